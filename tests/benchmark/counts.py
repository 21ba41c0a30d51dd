"""What a warm ``get`` asks of the system: system calls, processes, network sockets; counted by strace if it is there."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.benchmark.clock import run
from tests.benchmark.homes import FILE, SECRET_SERVICE
from tests.benchmark.processes import BARE, C_HELPER, FOREIGN, GET, NOT_OURS, WARM, WARM_FILE

if TYPE_CHECKING:
    from tests.benchmark.clock import Command
    from tests.benchmark.stage import Stage


def system_calls(stage: Stage) -> list[str]:
    """Return one line for each command that matters."""
    strace = shutil.which("strace")
    if strace is None:
        return ["system calls: not counted, strace is missing"]
    file = stage.home("strace-file", FILE)
    commands = {
        BARE: stage.bare(),
        NOT_OURS: stage.ours("get", FOREIGN, file),
        WARM_FILE: stage.ours("get", GET, file, answers=True),
    }
    if stage.keyring:
        commands[WARM] = stage.ours("get", GET, stage.home("strace", SECRET_SERVICE), answers=True)
    if stage.c_helper:
        commands[C_HELPER] = stage.c_get()
    return [f"{name}: {_counted(stage, strace, name, command)}" for name, command in commands.items()]


def _counted(stage: Stage, strace: str, name: str, command: Command) -> str:
    log = stage.folder / "strace.log"
    words = [strace, "--follow-forks", "-qq", "--signal=none", "--output", str(log), *command.words]
    run(name, replace(command, words=words))
    calls = [line.partition(" ")[2].lstrip() for line in log.read_text(errors="replace").splitlines()]
    os.unlink(log)
    processes = sum(
        call.startswith(("fork(", "vfork(", "clone(", "clone3(")) and "CLONE_THREAD" not in call
        for call in calls
    )
    threads = sum("CLONE_THREAD" in call for call in calls)
    network = sum(call.startswith(("socket(AF_INET", "socket(AF_INET6")) for call in calls)
    return f"{len(calls)} system calls, {processes} processes started, {threads} threads, {network} network sockets"
