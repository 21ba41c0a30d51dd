"""Bare git repositories on disk, each with a first commit. Knows git; knows nothing of who may read them."""

from __future__ import annotations

import os
import subprocess

_FIRST_COMMIT = """\
blob
mark :1
data {size}
{text}
commit refs/heads/main
mark :2
author Emulator <emulator@example.com> 1700000000 +0000
committer Emulator <emulator@example.com> 1700000000 +0000
data 13
first commit
M 100644 :1 README.md

"""


def environment(home: str) -> dict[str, str]:
    """Give the environment of the server's own git: nobody's configuration, nobody's helpers."""
    keep = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    return {**keep, "HOME": home, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


def ensure(path: str, name: str) -> str:
    """Make the bare repository ``path`` with one commit on main, if it is not there; give ``path`` back."""
    if os.path.isdir(path):
        return path
    os.makedirs(os.path.dirname(path), exist_ok=True)
    half = path + ".new"
    env = environment(os.path.dirname(path))
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", half], check=True, env=env)
    text = f"# {name}\n"
    stream = _FIRST_COMMIT.format(size=len(text.encode()), text=text).encode()
    subprocess.run(["git", "-C", half, "fast-import", "--quiet"], check=True, env=env, input=stream)
    with open(os.path.join(half, "config"), "a", encoding="utf-8") as config:
        config.write("[http]\n\treceivepack = true\n[gc]\n\tauto = 0\n")
    os.rename(half, path)
    return path
