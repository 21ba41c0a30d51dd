"""AZDO_TRACE: the steps of one run, a line each, in the form of git's GIT_TRACE. Loaded only where that is set.

Must never write a secret, so that a trace can be pasted into a bug report: callers name hosts, organizations, accounts
and the keys of an answer, never the values of one.
"""

from __future__ import annotations

import os
import time

from git_credential_azdo import errors

_OFF, _STDERR = ("0", "false", "no", "off"), ("1", "2", "true", "yes", "on")


def begin(setting: str) -> None:
    """Trace from now on: to stderr for ``1``, else to the end of the file with this absolute path, as git does."""
    if setting.lower() in _OFF:
        return
    if setting.lower() in _STDERR:
        errors.tracer = _to_stderr
    elif os.path.isabs(setting):
        errors.tracer = lambda text: _append(setting, text)
    else:
        errors.say("error", "AZDO_TRACE is neither 1 nor the absolute path of a file")


def _line(text: str) -> str:
    now = time.time()
    clock = time.strftime("%H:%M:%S", time.localtime(now))
    return f"{clock}.{int(now % 1 * 1e6):06} git-credential-azdo: {errors.printable(text)}"


def _to_stderr(text: str) -> None:
    errors.show(_line(text))


def _append(path: str, text: str) -> None:
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o600)
        try:
            os.write(file, f"{_line(text)}\n".encode("utf-8", "backslashreplace"))  # noqa: TID251 - in one write, since processes share the file
        finally:
            os.close(file)
    except OSError as error:
        errors.tracer = None
        errors.say("error", f"AZDO_TRACE cannot be written: {error.strerror}: {path}")
