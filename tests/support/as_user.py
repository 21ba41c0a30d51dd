#!/usr/bin/env python3
"""One of git's verbs as another user, whose interpreter has loaded what it needs before: ``as_user.py USER VERB``."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys

LATER = ("pwd", "shlex", "encodings.idna", "git_credential_azdo.vault.vaults")

if __name__ == "__main__":
    from git_credential_azdo.__main__ import run

    for room in ("git_credential_azdo.accounts", "git_credential_azdo.helper", "git_credential_azdo"):
        for module in pkgutil.iter_modules(importlib.import_module(room).__path__, f"{room}."):
            importlib.import_module(module.name)
    for name in LATER:
        importlib.import_module(name)
    user = int(sys.argv[1])
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    sys.exit(run(sys.argv[2:]))
