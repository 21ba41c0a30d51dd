"""Torture every verb for so many minutes: ``python -m tests.torture [MINUTES] [PART...] [VAULT...]``.

Two processes for each vault, one of them for the kills. Prints each loss or hang, and the figures as a table in Markdown.
Exit code 0 when all is well.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.emulator.emulator import Emulator
from tests.support.keyrings import PrivateKeyring, missing
from tests.torture import faults, kills, slow_backend, storms
from tests.torture.bench import VAULTS, Bench
from tests.torture.verbs import BY_NAME, VERBS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEYRING = "gnome-keyring"
PARTS = ("storms", "faults", "kills")
SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT")
_HANGS = "hangs"


@dataclass
class Figures:
    """What was tried in one vault, how often (``tried``, by kind), which points of it (``points``), and what was found."""

    vault: str
    tried: Counter[str] = field(default_factory=Counter)
    points: set[tuple[str, ...]] = field(default_factory=set)
    found: list[str] = field(default_factory=list)
    late: float = 0.0
    in_window: int = 0
    windows: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)

    def note(self, kind: str, where: str, losses: Sequence[str]) -> None:
        """Count one trial, and keep and print what it found."""
        self.tried[kind] += 1
        self.points.add((kind, where))
        for loss in losses:
            if loss == kills.WINDOW:
                self.in_window += 1
                continue
            self.found.append(f"{kind}: {where}: {loss}")
            print(f"{self.vault}: {self.found[-1]}", file=sys.stderr, flush=True)

    def add(self, other: Figures) -> None:
        """Add what another process tried in the same vault."""
        self.tried += other.tried
        self.points |= other.points
        self.found += other.found
        self.late = max(self.late, other.late)
        self.in_window += other.in_window
        self.windows += other.windows
        self.requests += other.requests
        self.calls |= other.calls

    def wrong(self, kind: str, *, hangs: bool = False) -> int:
        """Return how many trials of a kind hung, or what else they lost."""
        return sum(
            each.startswith(f"{kind}: ") and each.endswith(f": {_HANGS}") == hangs for each in self.found
        )


def show(every: Sequence[Figures]) -> None:
    """Print the table."""
    print(f"| what | {' | '.join(each.vault for each in every)} |\n|---|{'---|' * len(every)}")

    def row(what: str, cells: list[str]) -> None:
        print(f"| {what} | {' | '.join(cells)} |")

    for kind, what in (("kills", "SIGKILL"), ("signals", "SIGTERM, SIGHUP, SIGINT"), ("faults", "faults")):
        row(
            f"{what}: tried (distinct)",
            [f"{each.tried[kind]} ({sum(name == kind for name, _ in each.points)})" for each in every],
        )
        row(f"{what}: losses", [str(each.wrong(kind)) for each in every])
    row("faults: hangs", [str(each.wrong("faults", hangs=True)) for each in every])
    row("latest end of get, store, erase after the deadline", [f"{each.late:.2f} s" for each in every])
    row(
        "token requests of an account in a minute, while they fail",
        [str(max(each.requests, default=0)) for each in every],
    )
    row(
        f"{storms.AT_ONCE} gets at once, {storms.EXPIRIES} expiries: wrong answers or further requests",
        [str(each.wrong("storms")) for each in every],
    )
    row(
        "from the answer of a rotating authority to the vault, under strace",
        [f"{statistics.median(each.windows or [0]) * 1000:.0f} ms" for each in every],
    )
    row("SIGKILLs that met that window, and cost the sign-in", [str(each.in_window) for each in every])
    for name in every[0].calls:
        row(f"calls of the keyring: {name}", [str(each.calls[name] or "") for each in every])


@contextlib.contextmanager
def bench_of(vault: str, folder: Path) -> Iterator[Bench]:
    """Yield a bench with this vault and an emulator of its own."""
    with contextlib.ExitStack() as stack:
        emulator = stack.enter_context(Emulator(str(folder / "emulator")))
        keyring = stack.enter_context(PrivateKeyring(folder / "keyring")) if vault == KEYRING else None
        yield Bench(folder, emulator, keyring, vault)


def strike_all(bench: Bench, figures: Figures, end: float, log: Path) -> None:
    """Kill and interrupt every verb at every point, until the time is over: a spread of all of them first."""
    plans = [[(verb, point) for point in kills.points(bench, verb, log)] for verb in VERBS]
    mixed = [each for group in itertools.zip_longest(*plans) for each in group if each is not None]
    spread = [each for start in range(5) for each in mixed[start::5]]
    tried = itertools.count()
    for signals in (
        ("SIGKILL", "SIGKILL", "SIGTERM", "SIGKILL", "SIGHUP", "SIGKILL", "SIGINT"),
        ("SIGKILL",),
        SIGNALS,
    ):
        for (verb, point), signal in zip(spread, itertools.cycle(signals), strict=False):
            kind, where = (
                "kills" if signal == "SIGKILL" else "signals",
                f"{verb.name}, {signal} at {point.call} {point.nth}",
            )
            if (kind, where) in figures.points:
                continue
            if time.monotonic() > end:
                return
            figures.note(
                kind, where, kills.strike(bench, verb, point, signal, log, deep=next(tried) % 5 == 0)
            )


def meet_all(bench: Bench, figures: Figures, end: float) -> None:
    """Let every verb meet every fault, until the time is over."""
    for fault in faults.all_faults(bench):
        for verb in fault.verbs:
            if time.monotonic() > end:
                return
            outcome = faults.meet(bench, fault, verb)
            figures.late = max(figures.late, outcome.late)
            figures.note("faults", f"{verb}, {fault.name}", outcome.found)


def storm(bench: Bench, figures: Figures, log: Path) -> None:
    """Let many ask at once, an authority fail, and one rotate; count the calls of the slow keyring."""
    for found in storms.at_once(bench):
        figures.note("storms", "at once", found)
    figures.requests.append(storms.requests_while_failing(bench))
    figures.windows += [storms.window(bench, log) for _ in range(5)]
    for name in ("warm get", "get", "erase of ours", "setup pat"):
        kills.put_back(bench, BY_NAME[name])
        before = slow_backend.calls(bench.home.folder)
        kills.run(bench, BY_NAME[name])
        figures.calls[name] = slow_backend.calls(bench.home.folder) - before


def torture(vault: str, minutes: float, parts: Sequence[str]) -> Figures:
    """Run these parts with one vault."""
    figures = Figures(vault)
    end = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory(prefix="azdo-torture-") as folder:
        for number, part in enumerate(parts):
            own = Path(folder) / part
            until = time.monotonic() + (end - time.monotonic()) / (len(parts) - number)
            with bench_of(vault, own) as bench:
                if part == "storms":
                    storm(bench, figures, own / "log")
                elif part == "kills":
                    strike_all(bench, figures, until, own / "log")
                else:
                    meet_all(bench, figures, until)
    return figures


def main(minutes: str = "4", *words: str) -> int:
    """Run everything, or some of PARTS and VAULTS, and print the figures; return the exit code."""
    vaults = [vault for vault in VAULTS if vault in words] or [*VAULTS]
    if missing() and KEYRING in vaults:
        print(f"going on without {missing()}", file=sys.stderr)
        vaults.remove(KEYRING)
    parts = [part for part in PARTS if part in words] or PARTS
    groups = [
        group for group in ([each for each in parts if each != "kills"], ["kills"]) if {*group} & {*parts}
    ]
    every = {vault: Figures(vault) for vault in vaults}
    with ProcessPoolExecutor(len(vaults) * 2, multiprocessing.get_context("fork")) as pool:
        for each in [
            pool.submit(torture, vault, float(minutes), group) for vault in vaults for group in groups
        ]:
            every[each.result().vault].add(each.result())
    show([*every.values()])
    return 1 if any(each.found for each in every.values()) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
