"""Torture every verb for so many minutes: ``python -m tests.torture [MINUTES] [PART...] [VAULT...]``.

Prints the figures as a table in Markdown, and each loss or hang. Exit code 0 when there was none.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.emulator.emulator import Emulator
from tests.support.keyrings import PrivateKeyring, missing
from tests.torture import faults, kills, storms
from tests.torture.bench import VAULTS, Bench
from tests.torture.verbs import VERBS

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYRING = "gnome-keyring"

PARTS = ("storms", "faults", "kills")
SIGNALS = ("SIGTERM", "SIGHUP", "SIGINT")


class Figures:
    """What was tried, and what was found."""

    def __init__(self) -> None:
        self.tried: Counter[str] = Counter()
        self.found: list[str] = []
        self.late = 0.0

    def note(self, kind: str, where: str, losses: list[str]) -> None:
        """Count one trial, and keep and print what it found."""
        self.tried[kind] += 1
        for loss in losses:
            self.found.append(f"{kind}: {where}: {loss}")
            print(self.found[-1], file=sys.stderr, flush=True)

    def show(self) -> None:
        """Print the table."""
        print("| tried | times | lost |\n|---|---|---|")
        for kind, times in sorted(self.tried.items()):
            print(f"| {kind} | {times} | {sum(each.startswith(kind + ': ') for each in self.found)} |")
        print(f"\nThe latest end of a verb of git's after its deadline: {self.late:.2f} s")


@contextlib.contextmanager
def bench_of(vault: str, folder: Path) -> Iterator[Bench]:
    """Yield a bench with this vault and an emulator of its own."""
    with contextlib.ExitStack() as stack:
        emulator = stack.enter_context(Emulator(str(folder / "emulator")))
        keyring = stack.enter_context(PrivateKeyring(folder / "keyring")) if vault == KEYRING else None
        yield Bench(folder, emulator, keyring, vault)


def strike_all(bench: Bench, vault: str, figures: Figures, end: float, log: Path) -> None:
    """Kill and interrupt every verb at every point, until the time is over."""
    plans = [[(verb, point) for point in kills.points(bench, verb, log)] for verb in VERBS]
    mixed = [each for group in itertools.zip_longest(*plans) for each in group if each is not None]
    tried = itertools.count()
    for signals in (("SIGKILL",), SIGNALS, ("SIGKILL", "SIGKILL")):
        for (verb, point), signal in zip(mixed, itertools.cycle(signals), strict=False):
            if time.monotonic() > end:
                return
            kind = "kills" if signal == "SIGKILL" else "signals"
            where = f"{verb.name}, {signal} at {point.call} {point.nth}"
            deep = next(tried) % 5 == 0
            losses = kills.strike(bench, verb, point, signal, log, deep=deep)
            figures.note(f"{kind}, {vault}", where, losses)


def meet_all(bench: Bench, vault: str, figures: Figures, end: float) -> None:
    """Let every verb meet every fault, until the time is over."""
    for fault in faults.all_faults(bench):
        for verb in fault.verbs:
            if time.monotonic() > end:
                return
            outcome = faults.meet(bench, fault, verb)
            figures.late = max(figures.late, outcome.late)
            figures.note(f"faults, {vault}", f"{verb}, {fault.name}", outcome.found)


def main(minutes: str = "4", *parts: str) -> int:
    """Run everything, or some of PARTS and vaults, and print the figures; return the exit code."""
    figures = Figures()
    vaults = [vault for vault in VAULTS if vault in parts] or [*VAULTS]
    if missing() and KEYRING in vaults:
        print(f"going on without {missing()}", file=sys.stderr)
        vaults.remove(KEYRING)
    chosen = [part for part in PARTS if part in parts] or [*PARTS]
    share = float(minutes) * 60 / len(vaults) / len(chosen)
    with tempfile.TemporaryDirectory(prefix="azdo-torture-") as folder:
        for vault, part in itertools.product(vaults, chosen):
            own = Path(folder) / f"{vault}-{part}"
            with bench_of(vault, own) as bench:
                end = time.monotonic() + share
                if part == "storms":
                    for kind, losses in storms.run(bench, own / "log"):
                        figures.note(f"{kind}, {vault}", kind, losses)
                elif part == "kills":
                    strike_all(bench, vault, figures, end, own / "log")
                else:
                    meet_all(bench, vault, figures, end)
    figures.show()
    return 1 if figures.found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
