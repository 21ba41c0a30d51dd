"""The rows that the benchmark reports, as a table for people and as JSON. Pure: no clock, no process."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from tests.benchmark.clock import Spread

BEGIN = "<!-- written by scripts/benchmark --write -->\n"
END = "<!-- end -->\n"

_HEADINGS = ("path", "ours", "yardstick", "", "ratio", "quiet", "goal", "met", "no .pyc")

_LEGEND = (
    "ours, yardstick: median (quartiles). ratio: ours by yardstick, by medians; quiet: by lower quartiles, for a",
    "machine that has other work. no .pyc: the ratio without compiled bytecode of this package.",
)


@dataclass(frozen=True)
class Row:
    """One path against its yardstick.

    ``goal``      the most that ours divided by the yardstick's median may be; None where nothing is promised
    ``uncompiled`` the same path without compiled bytecode of the package, where that can be
    ``note``      why it was not measured, or what else belongs to the figure
    """

    path: str
    yardstick: str
    goal: float | None
    ours: Spread | None = None
    theirs: Spread | None = None
    uncompiled: Spread | None = None
    unit: str = "ms"
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours by theirs, by medians."""
        return _ratio(self.ours, self.theirs)

    @property
    def quiet_ratio(self) -> float | None:
        """The same by lower quartiles, which other work on the machine moves least."""
        return self.ours.low / self.theirs.low if self.ours and self.theirs and self.theirs.low else None

    @property
    def uncompiled_ratio(self) -> float | None:
        """The same without compiled bytecode."""
        return _ratio(self.uncompiled, self.theirs)

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None when there is none or nothing was measured."""
        return None if self.ratio is None or self.goal is None else self.ratio <= self.goal


@dataclass(frozen=True)
class Report:
    """All rows, the machine's facts by name, and what else was counted."""

    rows: Sequence[Row]
    machine: Mapping[str, str]
    notes: Sequence[str] = field(default=())


def _ratio(ours: Spread | None, theirs: Spread | None) -> float | None:
    return ours.median / theirs.median if ours and theirs and theirs.median else None


def as_table(report: Report) -> str:
    """Return the report as lines of text."""
    lines = [_HEADINGS, *(_cells(row) for row in report.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    text.insert(1, "  ".join("-" * width for width in widths))
    text += ["", *_LEGEND, ""]
    text += [f"{row.path}: {row.note}" for row in report.rows if row.note]
    text += report.notes
    text += ["", *(f"{name}: {value}" for name, value in report.machine.items())]
    return "\n".join(text) + "\n"


def as_markdown(report: Report) -> str:
    """Return the ratios as the table that docs/costs.md has, and below it the machine's facts."""
    rows = [
        (
            row.path,
            row.yardstick,
            (_number(row.ratio) if row.unit else _figure(row.ours, ""))
            if row.ours and row.theirs
            else "not measured",
            _number(row.goal),
        )
        for row in report.rows
    ]
    lines = [("path", "against", "ratio", "goal"), ("---", "---", "---:", "---:"), *rows]
    return (
        "".join(f"| {' | '.join(line)} |\n" for line in lines)
        + "\n"
        + "; ".join(report.machine.values())
        + ".\n"
    )


def written_into(page: str, report: Report) -> str:
    """Return the page with the report between its two marks. Raise ValueError if it lacks them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"the page lacks the marks {BEGIN.strip()} and {END.strip()}")
    return before + begin + as_markdown(report) + end + after


def as_json(report: Report) -> str:
    """Return the report as one JSON object."""
    rows: list[dict[str, Any]] = [
        {
            **dataclasses.asdict(row),
            "ratio": row.ratio,
            "quiet_ratio": row.quiet_ratio,
            "uncompiled_ratio": row.uncompiled_ratio,
            "met": row.met,
        }
        for row in report.rows
    ]
    return (
        json.dumps({"rows": rows, "notes": list(report.notes), "machine": dict(report.machine)}, indent=2)
        + "\n"
    )


def _cells(row: Row) -> tuple[str, ...]:
    met = {True: "yes", False: "NO", None: "-"}[row.met] if row.ours else "not measured"
    return (
        row.path,
        _figure(row.ours, row.unit),
        _figure(row.theirs, row.unit),
        row.yardstick,
        _number(row.ratio),
        _number(row.quiet_ratio),
        _number(row.goal),
        met,
        _number(row.uncompiled_ratio),
    )


def _figure(value: Spread | None, unit: str) -> str:
    if value is None:
        return "-"
    if not unit:
        return f"{value.median:.0f}"
    digits = 0 if value.median >= 1000 else 1
    return f"{value.median:.{digits}f} ({value.low:.{digits}f}-{value.high:.{digits}f}) {unit}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}" if value < 0.2 else f"{value:.2f}"
