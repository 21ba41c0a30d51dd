"""The benchmark's arithmetic and its table. No timings here: those are for ``scripts/benchmark``."""

from __future__ import annotations

import json

import pytest

from tests.benchmark.__main__ import PAGE
from tests.benchmark.clock import Spread, spread
from tests.benchmark.table import Report, Row, as_json, as_markdown, as_table, written_into


def times(median: float) -> Spread:
    """Return a spread around a median."""
    return Spread(median, median - 1, median + 1, 9)


def test_a_spread_is_median_and_quartiles() -> None:
    """Of one value, all three are that value."""
    assert spread([5.0, 1.0, 3.0, 2.0, 4.0]) == Spread(3.0, 2.0, 4.0, 5)
    assert spread([7.0]) == Spread(7.0, 7.0, 7.0, 1)


def test_a_goal_is_met_by_the_ratio_of_medians() -> None:
    """Equal is met; without a goal or a figure there is nothing to meet."""
    assert Row("get", "bare", 1.2, times(12), times(10)).met is True
    assert Row("get", "bare", 1.2, times(12.1), times(10)).met is False
    assert Row("get", "bare", None, times(12), times(10)).met is None
    assert Row("get", "bare", 1.2, times(12)).met is None


def test_the_table_names_what_is_missed_and_what_was_not_measured() -> None:
    """One line a row, and the reason below."""
    rows = [
        Row("get", "bare", 1.2, times(20), times(10), times(30)),
        Row("store", "the C helper", 1.5, note="could not be built"),
    ]
    lines = as_table(Report(rows, {"system": "Linux"})).splitlines()
    missed, unmeasured = (" ".join(line.split()) for line in lines[2:4])
    assert missed == "get 20.0 (19.0-21.0) ms 10.0 (9.0-11.0) ms bare 2.00 2.11 1.20 NO 3.00"
    assert unmeasured == "store - - the C helper - - 1.50 not measured -"
    assert "store: could not be built" in lines
    assert "system: Linux" in lines


def test_the_same_as_json() -> None:
    """Figures and what follows from them, for programs."""
    report = Report([Row("get", "bare", 1.2, times(11), times(10))], {"system": "Linux"}, ["a note"])
    said = json.loads(as_json(report))
    assert said["machine"] == {"system": "Linux"}
    assert said["notes"] == ["a note"]
    assert said["rows"][0]["ours"]["median"] == 11
    assert said["rows"][0]["ratio"] == 1.1
    assert said["rows"][0]["met"] is True


def test_the_page_about_costs_takes_the_table() -> None:
    """Between its two marks, and nothing else of it changes; a page without them is not written."""
    report = Report(
        [Row("get", "bare", 1.2, times(11), times(10)), Row("store", "another", None, note="not here")],
        {"date": "1 May", "system": "Linux"},
    )
    table = as_markdown(report)
    assert table.splitlines()[2:] == [
        "| get | bare | 1.10 | 1.20 |",
        "| store | another | not measured | - |",
        "",
        "1 May; Linux.",
    ]
    page = PAGE.read_text(encoding="utf-8")
    written = written_into(page, report)
    assert table in written
    assert written.splitlines()[:4] == page.splitlines()[:4]
    assert written.splitlines()[-8:] == page.splitlines()[-8:]
    with pytest.raises(ValueError, match="lacks the marks"):
        written_into("# Costs\n", report)
