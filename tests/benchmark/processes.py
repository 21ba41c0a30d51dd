"""Rows about one process: each path of git's verbs, alternating with the bare interpreter and git's C helper."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from tests.benchmark.clock import Command, Spread, alternate, peak_memory, run, spread
from tests.benchmark.homes import (
    ASK,
    FILE,
    FILE_KEYRING,
    SECRET_SERVICE,
    SERVICE,
    TENANT_TOLD,
    keep_in_keyring,
)
from tests.benchmark.installers import with_old_script, with_tool
from tests.benchmark.stage import CACHE, Stage
from tests.benchmark.table import Row
from tests.emulator.default_world import ANN

if TYPE_CHECKING:
    from tests.benchmark.installers import Installation

FOREIGN = "protocol=https\nhost=github.com\npath=git/git\n"
GET = f"capability[]=authtype\ncapability[]=state\n{ASK}{TENANT_TOLD}"
SERVER = "https://git.example.com"
TYPED = "protocol=https\nhost=git.example.com\npath=app.git\nusername=ann\npassword=typed\n"
BARE, C_HELPER = "python -c pass", "git's C helper"
PURE_SHARE = 0.9
_NO_KEYRING = "dbus-daemon or gnome-keyring is missing"
_NO_C_HELPER = "git's C helper could not be built"


def paths(stage: Stage, rounds: int) -> list[Row]:
    """Measure all paths in one run, so that they share their yardsticks."""
    ours = _paths(stage)
    commands = {BARE: stage.bare()}
    if stage.c_helper:
        _keep_for_c_helper(stage)
        commands[C_HELPER] = stage.c_get()
    for name, (_, _, _, compiled, uncompiled) in ours.items():
        commands[name], commands[f"{name}, uncompiled"] = compiled, uncompiled
    seen = alternate(commands, rounds)
    bare, c_helper = seen[BARE], seen.get(C_HELPER)
    rows = []
    for name, (path, yardstick, goal, _, _) in ours.items():
        theirs = seen.get(yardstick)
        note = "" if theirs else _NO_C_HELPER
        rows.append(Row(path, yardstick, goal, seen[name], theirs, seen[f"{name}, uncompiled"], note=note))
        if yardstick == C_HELPER and c_helper:
            both = Spread(bare.median + c_helper.median, bare.low + c_helper.low, bare.high + c_helper.high, bare.runs)
            rows.append(Row("  the same", "bare python + C helper", PURE_SHARE, seen[name], both))
    if not stage.keyring:
        rows.append(Row("warm get, Secret Service", C_HELPER, 1.5, note=_NO_KEYRING))
    many = [name for name in ours if name.startswith("200 ")]
    rows = [row for row in rows if not row.path.startswith("200 ")]
    for name in many:
        _, yardstick, goal, _, _ = ours[name]
        rows.append(Row(name, yardstick, goal, seen[name], seen[yardstick], seen[f"{name}, uncompiled"]))
    return rows
