"""Rows about a refresh: one against a script of exactly its steps, and 64 that become due at once."""

from __future__ import annotations

import dataclasses
import subprocess
import time
from typing import TYPE_CHECKING

from tests.benchmark.clock import WARM_UP, CommandError, alternate, spread
from tests.benchmark.homes import FILE, SECRET_SERVICE
from tests.benchmark.processes import GET
from tests.benchmark.table import Row

if TYPE_CHECKING:
    from tests.benchmark.clock import Command
    from tests.benchmark.homes import AccountHome
    from tests.benchmark.stage import Stage

CROWD = 64
LOGIN = "login.microsoftonline.com"
STEPS = "a script of its steps"


def refresh(stage: Stage, rounds: int) -> list[Row]:
    """Measure a refresh with each vault."""
    vaults = {"file vault": FILE, **({"Secret Service": SECRET_SERVICE} if stage.keyring else {})}
    commands: dict[str, Command] = {}
    for name, vault in vaults.items():
        home = stage.home(f"refresh-{vault}", vault)
        commands[name] = _stale(stage, home)
        commands[f"{name}, uncompiled"] = _stale(stage, home, compiled=False)
        kind = "file" if vault == FILE else "keyring"
        theirs = stage.script("refresh_steps.py", kind, home=home, online=True)
        commands[f"{name}, steps"] = dataclasses.replace(theirs, before=home.make_stale)
    before = len(stage.emulator.seen(LOGIN))
    seen = alternate(commands, rounds)
    _expect_one_request_each(stage, before, commands, rounds)
    return [
        Row(f"refresh, {name}", STEPS, 1.15, seen[name], seen[f"{name}, steps"], seen[f"{name}, uncompiled"])
        for name in vaults
    ]


def crowd(stage: Stage) -> list[Row]:
    """Count the token requests of many gets at once with a stale token."""
    home = stage.home("crowd", SECRET_SERVICE if stage.keyring else FILE)
    home.make_stale()
    before = len(stage.emulator.seen(LOGIN))
    began = time.monotonic()
    command = _stale(stage, home)
    children = [
        subprocess.Popen(
            command.words,
            env=dict(command.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(CROWD)
    ]
    for child in children:  # each waits for its question: it begins when all are there
        assert child.stdin is not None
        child.stdin.write(GET)
        child.stdin.close()
    said = [_rest_of(child) for child in children]
    seconds = time.monotonic() - began
    passwords = [line for out in said for line in out.splitlines() if line.startswith("password=")]
    requests = len(stage.emulator.seen(LOGIN)) - before
    note = f"{len(set(passwords))} token in all answers, after {seconds:.1f} s"
    path, unanswered = f"{CROWD} gets at once, stale token", CROWD - len(passwords)
    return [
        Row(f"{path}: requests", "one request", 1, spread([requests]), spread([1]), unit="", note=note),
        Row(f"{path}: unanswered", "all of them", 0, spread([unanswered]), spread([CROWD]), unit=""),
    ]


def _rest_of(child: subprocess.Popen[str]) -> str:
    with child:
        assert child.stdout is not None
        return child.stdout.read()


def _stale(stage: Stage, home: AccountHome, *, compiled: bool = True) -> Command:
    command = stage.ours("get", GET, home, compiled=compiled, answers=True)
    environment = {**command.environment, **stage.emulator.environment}
    return dataclasses.replace(command, environment=environment, before=home.make_stale)


def _expect_one_request_each(stage: Stage, before: int, commands: dict[str, Command], rounds: int) -> None:
    runs = (rounds + WARM_UP) * len(commands)
    requests = len(stage.emulator.seen(LOGIN)) - before
    if requests != runs:
        raise CommandError(f"{requests} token requests for {runs} refreshes")
