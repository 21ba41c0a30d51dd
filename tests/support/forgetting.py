"""What a run of the program remembers to its end: the tests' own process stands for many runs, so it must forget."""

from __future__ import annotations

from git_credential_azdo import errors, proxy
from git_credential_azdo.git import network


def forget() -> None:
    """Begin a new run: git's configuration and its helpers are asked anew, and every vault is waited for again."""
    for cached in (network._settings, network._entries, network._warn_once, proxy._ask_helpers):
        cached.cache_clear()
    errors.silent.clear()
    errors.step = ""
    errors.began = None
    errors.claim_answer()
    errors._answer.release()
