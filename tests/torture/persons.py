"""People who sign in while a verb waits for them: at the browser that it opens, or with the code that it prints."""

from __future__ import annotations

import contextlib
import shlex
from typing import TYPE_CHECKING
from urllib.request import ProxyHandler, build_opener

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from tests.torture.bench import Bench

_LOOK_SECONDS = 0.02
_SECONDS = 20


def browser(folder: Path) -> str:
    """Return the program that gives its link to ``at_the_browser``."""
    program, link = folder / "a-browser", shlex.quote(str(_link(folder)))
    program.write_text(f'#!/bin/sh\nprintf %s "$1" >{link}.new && mv {link}.new {link}\n')
    program.chmod(0o755)
    return str(program)


def at_the_browser(bench: Bench, over: threading.Event) -> None:
    """Sign in as soon as there is a link, and follow the redirect."""
    path = _link(bench.home.folder.parent)
    if _wait(path.exists, over):
        back = bench.emulator.sign_in(path.read_text())
        path.unlink()
        with contextlib.suppress(OSError):  # what listened there was killed
            build_opener(ProxyHandler({})).open(back, timeout=_SECONDS).close()


def with_the_code(bench: Bench, over: threading.Event) -> None:
    """Type the code as soon as there is one."""
    devices = bench.emulator.world.grants.devices
    if _wait(lambda: bool(devices), over):
        bench.emulator.enter_device_code(list(devices.values())[-1].user_code)
        over.wait()
        devices.clear()


def _wait(is_there: Callable[[], bool], over: threading.Event) -> bool:
    while not is_there():
        if over.wait(_LOOK_SECONDS):
            return is_there()
    return True


def _link(folder: Path) -> Path:
    return folder / "link"
