"""What a run of the program remembers to its end: the tests' own process stands for many runs, so it must forget."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from git_credential_azdo import deadline, errors, proxy
from git_credential_azdo.git import network

if TYPE_CHECKING:
    from collections.abc import Iterator

_OF_TESTS = ("socketserver", "tests.")
"""How the modules begin whose threads must end with a test; those of the program may outlast a wait that was given up."""


def forget() -> None:
    """Begin a new run: it asks git and its helpers anew, waits for every vault again, and has all its time left."""
    for cached in (network._settings, network._entries, network._warn_once, proxy._ask_helpers):
        cached.cache_clear()
    deadline._started = time.monotonic()
    errors.unresponsive.clear()
    errors.step = ""
    errors.began = None
    errors.claim_answer()
    errors._answer.release()


@contextlib.contextmanager
def one_test() -> Iterator[None]:
    """Begin a test with a new run; it fails when a thread of one of its servers goes on after it.

    Closing a socket does not wake the thread that waits in ``accept``: as soon as a signal does, the kernel begins that
    call again with the same number, which may be the socket of another test by then, and its connection is lost.
    """
    forget()
    before = threading.enumerate()
    yield
    for thread in threading.enumerate():
        target = getattr(thread, "_target", None)
        if thread not in before and getattr(target, "__module__", "").startswith(_OF_TESTS):
            thread.join(10)
            assert not thread.is_alive(), f"a thread of this test goes on: {target}"
