#!/usr/bin/env python3
"""``be_killed.py CHANGES SPARED WORD...``: our command, killed after so many changes, as by SIGKILL.

A change is a rename or a deletion; those of files with SPARED in their names do not count.
"""

from __future__ import annotations

import os
import sys

from git_credential_azdo.__main__ import main

KILLED = 137


def _be_killed(left: int, spared: str) -> None:
    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in {"os.rename", "os.remove"} and spared not in str(arguments[0]):
            left -= 1
            if left < 0:
                os._exit(KILLED)

    sys.addaudithook(hook)


if __name__ == "__main__":
    _be_killed(int(sys.argv.pop(1)), sys.argv.pop(1))
    sys.exit(main())
