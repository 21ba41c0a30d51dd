"""Torture every verb for so many minutes: ``python -m tests.torture [MINUTES] [PART...] [VAULT...]``.

Two processes for each vault, one of them for the kills. Prints each loss or hang, and the figures as Markdown tables.
Exit code 0 when all is well.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.emulator.emulator import Emulator
from tests.support.keyrings import PrivateKeyring, missing
from tests.torture import faults, kills, slow_backend, storms
from tests.torture.bench import VAULTS, Bench
from tests.torture.verbs import BY_NAME, VERBS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

KEYRING = "gnome-keyring"
PARTS = ("storms", "faults", "kills")
SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT")
_HANGS = "hangs"


@dataclass
class Figures:
    """What was tried in one vault (``tried``: kind, verb, how), and what was found. ``exist``: the points of each verb."""

    vault: str
    tried: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    exist: dict[str, int] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    late: float = 0.0
    in_window: int = 0
    windows: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    restarts: int = 0
    ended_early: bool = False

    def note(self, kind: str, verb: str, how: str, losses: Sequence[str]) -> None:
        """Count one trial, and keep and print what it found."""
        self.tried[kind, verb, how] += 1
        for loss in losses:
            if loss == kills.WINDOW:
                self.in_window += 1
                continue
            self.found.append(f"{kind}: {verb}, {how}: {loss}")
            print(f"{self.vault}: {self.found[-1]}", file=sys.stderr, flush=True)

    def add(self, other: Figures) -> None:
        """Add what another process tried in the same vault."""
        self.tried += other.tried
        self.exist |= other.exist
        self.found += other.found
        self.late = max(self.late, other.late)
        self.in_window += other.in_window
        self.windows += other.windows
        self.requests += other.requests
        self.calls |= other.calls
        self.restarts += other.restarts
        self.ended_early |= other.ended_early

    def count(self, kind: str, verb: str = "") -> int:
        """Return how many different trials of a kind there were, of one verb or of all."""
        return sum(of == kind and verb in {"", name} for of, name, _ in self.tried)

    def wrong(self, kind: str, *, hangs: bool = False) -> int:
        """Return how many trials of a kind hung, or what else they lost."""
        return sum(
            each.startswith(f"{kind}: ") and each.endswith(f": {_HANGS}") == hangs for each in self.found
        )


def show(every: Sequence[Figures]) -> None:
    """Print what was tried and found in each vault, the points of each verb, and the rows of README's table."""

    def table(what: str, rows: Iterable[tuple[str, Callable[[Figures], object]]]) -> None:
        print(f"| {what} | {' | '.join(each.vault for each in every)} |\n|---|{'---|' * len(every)}")
        for name, cell in rows:
            print(f"| {name} | {' | '.join(str(cell(each)) for each in every)} |")
        print()

    def keyring_calls(name: str, each: Figures) -> object:
        return each.calls[name] or ""

    def share(verb: str, each: Figures) -> str:
        return f"{each.count('kills', verb)} of {each.exist.get(verb, '-')}"

    def wrong(kind: str, *, hangs: bool = False) -> Callable[[Figures], int]:
        return lambda each: each.wrong(kind, hangs=hangs)

    def tried(kind: str) -> Callable[[Figures], str]:
        return lambda each: (
            f"{sum(n for (of, *_), n in each.tried.items() if of == kind)} ({each.count(kind)})"
        )

    table(
        "what",
        (
            ("SIGKILL: tried (distinct)", tried("kills")),
            ("SIGKILL: losses", wrong("kills")),
            ("SIGTERM, SIGHUP, SIGINT: tried (distinct)", tried("signals")),
            ("SIGTERM, SIGHUP, SIGINT: losses", wrong("signals")),
            ("faults: tried (distinct)", tried("faults")),
            ("faults: kinds", lambda each: len(kinds([each]))),
            ("faults: losses", wrong("faults")),
            ("faults: hangs", wrong("faults", hangs=True)),
            ("latest end of get, store, erase after the deadline", lambda each: f"{each.late:.2f} s"),
            (
                "token requests of an account in a minute, while they fail",
                lambda each: max(each.requests, default=0),
            ),
            (
                f"{storms.AT_ONCE} gets at once, {storms.EXPIRIES} expiries: wrong answers or further requests",
                wrong("storms"),
            ),
            (
                "from the answer of a rotating authority to the vault, under strace",
                lambda each: f"{statistics.median(each.windows or [0]) * 1000:.0f} ms",
            ),
            ("SIGKILLs that met that window, and cost the sign-in", lambda each: each.in_window),
            ("trials begun again, since gnome-keyring itself had ended", lambda each: each.restarts),
            *((f"calls of the keyring: {name}", partial(keyring_calls, name)) for name in every[0].calls),
        ),
    )
    table(
        "SIGKILL at so many of a command's calls that change something",
        ((verb.name, partial(share, verb.name)) for verb in VERBS),
    )

    def total(kind: str) -> str:
        return f"{sum(each.count(kind) for each in every):,}"

    def lost(kind: str) -> str:
        return str(sum(each.wrong(kind) for each in every) or "none") + " lost"

    hangs = sum(each.wrong("faults", hangs=True) for each in every)
    print(
        f"| a killed process loses no sign-in | `SIGKILL` at {total('kills')} steps | {lost('kills')}¹ |\n"
        f"| nor does Ctrl-C | {total('signals')} signals | {lost('signals')} |\n"
        f"| git never hangs | {len(kinds(every))} kinds of faults, {total('faults')} runs: no network, full disk,"
        f" silent keyring… | {hangs} hangs, {lost('faults')} |"
    )


def kinds(every: Iterable[Figures]) -> set[str]:
    """Return the names of the faults that were tried."""
    return {how for each in every for of, _, how in each.tried if of == "faults"}


@contextlib.contextmanager
def bench_of(vault: str, folder: Path) -> Iterator[Bench]:
    """Yield a bench with this vault and an emulator of its own."""
    with contextlib.ExitStack() as stack:
        emulator = stack.enter_context(Emulator(str(folder / "emulator")))
        keyring = stack.enter_context(PrivateKeyring(folder / "keyring")) if vault == KEYRING else None
        yield Bench(folder, emulator, keyring, vault)


def strike_all(bench: Bench, figures: Figures, end: float, log: Path) -> None:
    """Kill and interrupt every verb at its points, each once, until the time is over: as many of each verb, in any order."""
    order = random.Random(0)  # noqa: S311 - the same order in every run
    plans = []
    for verb in VERBS:
        of_verb = [(verb, point) for point in bench.reliably(partial(kills.points, bench, verb, log))]
        figures.exist[verb.name] = len(of_verb)
        plans.append(order.sample(of_verb, len(of_verb)))
    mixed = [each for group in itertools.zip_longest(*plans) for each in group if each is not None]
    killed = [(verb, point, "SIGKILL") for verb, point in mixed]
    signalled = [
        (verb, point, SIGNALS[(number + turn) % len(SIGNALS)])
        for turn in range(len(SIGNALS))
        for number, (verb, point) in enumerate(mixed)
    ]
    for number in itertools.count():
        of_kind = signalled if (number % 4 == 3 and signalled) or not killed else killed
        if not of_kind or time.monotonic() > end:
            return
        verb, point, signal = of_kind.pop(0)
        strike = partial(kills.strike, bench, verb, point, signal, log, deep=number % 3 == 0)
        kind = "kills" if signal == "SIGKILL" else "signals"
        figures.note(kind, verb.name, f"{signal} at {point.call} {point.nth}", bench.reliably(strike))


def meet_all(bench: Bench, figures: Figures, end: float) -> None:
    """Let every verb meet every fault, until the time is over; every fault meets its first verb before any its second."""
    every = faults.all_faults(bench)
    for turn in itertools.zip_longest(*([(each, verb) for verb in each.verbs] for each in every)):
        for fault, verb in filter(None, turn):
            if time.monotonic() > end:
                return
            meet = partial(faults.meet, bench, fault, verb)
            outcome = bench.reliably(meet)
            if outcome.late > faults.LATE_SECONDS:  # the machine may have been busy
                outcome = bench.reliably(meet)
            figures.late = max(figures.late, outcome.late)
            figures.note("faults", verb, fault.name, outcome.found)


def storm(bench: Bench, figures: Figures, log: Path) -> None:
    """Let many ask at once, an authority fail, and one rotate; count the calls of the slow keyring."""
    for found in storms.at_once(bench):
        figures.note("storms", "get", "at once", found)
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
            try:
                with bench_of(vault, own) as bench:
                    if part == "storms":
                        storm(bench, figures, own / "log")
                    elif part == "kills":
                        strike_all(bench, figures, until, own / "log")
                    else:
                        meet_all(bench, figures, until)
                    figures.restarts += bench.keyring.restarts if bench.keyring else 0
            except Exception as error:  # noqa: BLE001 - what was found until then counts
                figures.ended_early = True
                print(f"{vault}: {part} ended before their time: {error!r}", file=sys.stderr, flush=True)
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
    return 1 if any(each.found or each.ended_early for each in every.values()) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
