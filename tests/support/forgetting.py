"""What a run of the program remembers to its end: the tests' own process stands for many runs, so it must forget."""

from __future__ import annotations

import time

from git_credential_azdo import deadline, errors, proxy
from git_credential_azdo.git import network


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
