"""Measure every path against its yardstick and print one table: ``python -m tests.benchmark [--write]``."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import os
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.benchmark import counts, felt, processes, refreshes
from tests.benchmark.stage import SOURCE, open_stage
from tests.benchmark.table import Report, as_json, as_markdown, as_table, written_into

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmark.stage import Stage
    from tests.benchmark.table import Row

ROUNDS = 50
FORMATS = {"table": as_table, "json": as_json, "markdown": as_markdown}
PAGE = SOURCE / "docs" / "costs.md"


def main() -> int:
    """Run all; return 0 even if a goal is missed: the table says so."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description=__doc__)
    parser.add_argument("--format", choices=FORMATS, default="table")
    parser.add_argument("--write", action="store_true", help="also write the ratios into docs/costs.md")
    parser.add_argument(
        "--rounds",
        type=int,
        default=ROUNDS,
        help=f"runs of each short command (default {ROUNDS}; others fewer)",
    )
    arguments = parser.parse_args()
    load = _load()
    with open_stage() as stage:
        report = Report(
            _rows(stage, max(8, arguments.rounds)),
            {**_machine(stage), "load": f"load {load} before, {_load()} after"},
            counts.system_calls(stage),
        )
    sys.stdout.write(FORMATS[arguments.format](report))
    if arguments.write:
        PAGE.write_text(written_into(PAGE.read_text(encoding="utf-8"), report), encoding="utf-8")
    return 0


def _rows(stage: Stage, rounds: int) -> list[Row]:
    parts: dict[str, Callable[[], list[Row]]] = {
        "one process": lambda: processes.paths(stage, rounds),
        "memory": lambda: processes.memory(stage),
        "refresh": lambda: refreshes.refresh(stage, rounds // 4),
        "many at once": lambda: refreshes.crowd(stage),
        "git ls-remote": lambda: [felt.ls_remote(stage, rounds // 2)],
        "git fetch": lambda: [felt.fetch_submodules(stage, max(2, rounds // 12))],
        "installers": lambda: processes.console_scripts(stage, rounds),
    }
    rows = []
    for name, measure in parts.items():
        print(f"== measuring: {name}", file=sys.stderr)
        rows += measure()
    return rows


def _machine(stage: Stage) -> dict[str, str]:
    git = subprocess.run(["git", "version"], capture_output=True, text=True, check=True)
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("keyring", "httpx", "pip")]
    if stage.gcm:
        gcm = subprocess.run([stage.gcm, "--version"], capture_output=True, text=True, check=True)
        versions.append(f"Git Credential Manager {gcm.stdout.partition('+')[0].strip()}")
    return {
        "date": dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%d"),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": platform.platform(),
        "versions": ", ".join([f"Python {platform.python_version()}", git.stdout.strip(), *versions]),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def _load() -> str:
    return " ".join(f"{number:.1f}" for number in os.getloadavg())


if __name__ == "__main__":
    sys.exit(main())
