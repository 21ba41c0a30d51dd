"""What a check of ``doctor`` is, and how checks run: all at once, bounded, a broken one stopping no other.

Everything that a check shows passes through ``clean``: people paste it into bug reports, so it must hold no password of
an address, no token of the environment and nothing that steers a terminal.
"""

from __future__ import annotations

import os
import re
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from git_credential_azdo import deadline
from git_credential_azdo.errors import AzdoError, printable
from git_credential_azdo.inherited import TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

OK, WARN, FAIL = "ok", "warn", "FAIL"
_USER_OF_URL = re.compile(r"://[^/\s]*@")


class Check(NamedTuple):
    """One line: its subject, OK, WARN or FAIL, what was found, and the command that cures it (may be empty)."""

    name: str
    state: str
    text: str
    cure: str = ""


if TYPE_CHECKING:
    Work = tuple[str, Callable[[], Iterable[Check]]]
    """The subject of some checks, and the function that makes them."""


def start(*works: Work) -> Callable[[float], list[list[Check]]]:
    """Start all works at once; return the function that waits for their checks until a time of ``time.monotonic``."""
    waits = [(name, deadline.in_thread(partial(_checks, name, work))) for name, work in works]
    return lambda end: [_within(name, wait, end - time.monotonic()) for name, wait in waits]


def failed(name: str, error: AzdoError, *, cure: str = "", who: str = "") -> Check:
    """Return the failed check of an error that concerns ``who``; its hint is the cure, else ``cure``."""
    return Check(name, FAIL, f"{who}: {error.message}" if who else error.message, error.hint or cure)


def clean(check: Check) -> Check:
    """Return the check without anything that must not be shown."""
    return check._replace(text=_clean(check.text), cure=_clean(check.cure))


def hidden(address: str) -> str:
    """Return a proxy's address, in any form, without its user and password."""
    before, at, after = address.rpartition("@")
    if not at:
        return address
    scheme, separator, _ = before.partition("://")
    return f"{scheme}://***@{after}" if separator else f"***@{after}"


def _checks(name: str, work: Callable[[], Iterable[Check]]) -> list[Check]:
    try:
        return list(map(clean, work()))
    except AzdoError as error:
        return [clean(failed(name, error))]
    except Exception as error:  # noqa: BLE001 - its text could quote a secret, so kind and line must do
        trace = error.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        line = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "?"
        return [Check(name, FAIL, f"the check failed with {type(error).__name__} at {line}")]


def _within(name: str, wait: Callable[[float], list[Check]], seconds: float) -> list[Check]:
    try:
        return wait(seconds)
    except deadline.TimedOut:
        return [Check(name, FAIL, "timed out")]


def _clean(text: str) -> str:
    for variable in TOKENS:
        secret = os.environ.get(variable, "").strip()
        if secret:
            text = text.replace(secret, "***")
    return printable(_USER_OF_URL.sub("://***@", text))
