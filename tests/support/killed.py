"""A command that is killed before each of its changes in turn, as by SIGKILL: before every rename and every deletion."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.watch import WATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home, Result

MOST = 60
_KILLED = 137
_HOOK = """
import os, sys
def be_killed(left, spared):
    def hook(event, arguments):
        nonlocal left
        if event in {"os.rename", "os.remove"} and spared not in str(arguments[0]):
            left -= 1
            if left < 0:
                os._exit(137)
    sys.addaudithook(hook)
from git_credential_azdo.__main__ import main
"""
_PROGRAM = f"""{_HOOK}
be_killed(int(sys.argv.pop(1)), sys.argv.pop(1))
sys.exit(main())
"""
_FORKS = f"""{_HOOK}
import contextlib, importlib, pkgutil, time
import git_credential_azdo
for module in pkgutil.walk_packages(git_credential_azdo.__path__, "git_credential_azdo."):
    if not module.ispkg and module.name != "git_credential_azdo.__main__":
        with contextlib.suppress(AssertionError):  # of another system
            importlib.import_module(module.name)
given, err = os.open(sys.argv.pop(1), os.O_RDONLY), sys.argv.pop(1)
from git_credential_azdo import deadline
orders, answers = os.dup(0), os.dup(1)
while order := os.read(orders, 100):
    if child := os.fork():
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(answers, b"%d\\n" % code)
        continue
    os.lseek(given, 0, os.SEEK_SET)
    os.dup2(given, 0)
    os.dup2(os.open(err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
    os.dup2(1, 2)
    deadline._started = time.monotonic()
    be_killed(int(order), "self-test")
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
"""
"""Does the same for each number of changes on stdin, in a fork that need not load the program again."""


def killed_after(home: Home, changes: int, *words: str, given: str = "", spared: str = "self-test") -> Result:
    """Run a command that is killed after so many changes, not counting those of files with ``spared`` in their names."""
    return home.run(sys.executable, "-c", _PROGRAM, str(changes), spared, *words, given=given)


def killed_everywhere(home: Home, *words: str, given: str = "") -> Iterator[None]:
    """Run a command again and again, each time killed one change later; yield after each run, the whole one last, which must succeed."""
    stdin, said = (home.folder.parent / name for name in ("killed-stdin", "killed-output"))
    stdin.write_text(given)
    with subprocess.Popen(
        [sys.executable, "-c", _FORKS, stdin, said, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=home.environment,
        cwd=home.folder,
    ) as runs:
        assert runs.stdin
        assert runs.stdout
        for changes in range(MOST):
            runs.stdin.write(b"%d" % changes)
            runs.stdin.flush()
            code = int(runs.stdout.readline())
            output = said.read_bytes()
            WATCH.seen(f"output of {words[0]}", output)
            assert code in {0, _KILLED}, output
            yield
            if code == 0:
                assert changes, "nothing was changed"
                return
    raise AssertionError(f"{words} has more than {MOST} changes")
