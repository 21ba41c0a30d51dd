"""The short form of torture: a few kills, signals and faults of each kind. ``scripts/torture`` tries them all."""

from __future__ import annotations

import itertools
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from tests.emulator.emulator import Emulator
from tests.torture import faults, kills
from tests.torture.bench import Bench
from tests.torture.verbs import VERBS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="strace is Linux'"),
    pytest.mark.skipif(shutil.which("strace") is None, reason="Debian packages missing: strace"),
]
FAULTS = (
    ("both full", "warm get"),
    ("stdin open", "store"),
    ("fifo at accounts", "warm get"),
    ("git hangs", "get"),
    ("accounts.lock held", "erase of ours"),
    ("flock fails with ENOLCK", "get"),
    ("write fails with ENOSPC", "store"),
    ("clone3 fails with EAGAIN", "get"),
    (f"limit --as={18 << 20}", "use"),
    (f"limit --as={22 << 20}", "get"),
    (f"limit --as={22 << 20}", "erase of ours"),
    ("setitimer fails with EINVAL", "warm get"),
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Return a bench with the file vault."""
    folder = tmp_path_factory.mktemp("torture")
    with Emulator(str(folder / "emulator")) as emulator:
        yield Bench(folder, emulator, None, "file")


def test_a_killed_or_interrupted_run_loses_nothing(bench: Bench, tmp_path: Path) -> None:
    """A ``get`` that refreshes and a ``store``, at every ninth of their calls that change something."""
    log = tmp_path / "log"
    found = []
    for verb in VERBS:
        if verb.name in {"get", "store"}:
            for point, signal in zip(
                kills.points(bench, verb, log)[3::9], itertools.cycle(("SIGKILL", "SIGTERM")), strict=False
            ):
                losses = kills.strike(bench, verb, point, signal, log, deep=False)
                found += [f"{verb.name}, {signal} at {point}: {loss}" for loss in losses]
    assert found == []


def test_a_fault_ends_in_time_and_in_words(bench: Bench) -> None:
    """One of each kind."""
    known = {fault.name: fault for fault in faults.all_faults(bench)}
    found = {(name, verb): faults.meet(bench, known[name], verb).found for name, verb in FAULTS}
    late = "ended "  # how busy the machine is decides on that
    assert {
        where: losses
        for where, every in found.items()
        if (losses := [e for e in every if not e.startswith(late)])
    } == {}
