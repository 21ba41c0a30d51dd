"""One file of git's configuration, edited: by ``git config --file`` on a private copy, then put in its place.

The copy takes the file's place in one step under the lock that git itself takes, so whoever stops us half way
leaves the old file or the new one. Quoting, comments and odd layouts are git's business (git-config(1)); the
one thing done by hand is cutting out lines that git wrote for us. What to write is decided in configure.py.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import shlex
import tempfile
from typing import NamedTuple

from git_credential_azdo.errors import UsageError
from git_credential_azdo.git import config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NEW_SECTION = "credential.git-credential-azdo-new"

Pairs = tuple[tuple[str, str], ...]
"""git's keys and values, in order."""


class ChangedMeanwhile(UsageError):  # noqa: N818 - a state: a new look at the file cures it
    """Somebody else wrote the file since it was read."""


class Change(NamedTuple):
    """One file to be written: its path as people know it, its bytes as read and as they shall be (None: no file)."""

    path: str
    before: bytes | None
    after: bytes | None


class Git(NamedTuple):
    """Which git to run, where and in which environment (None: ours); tests and ``doctor`` name others."""

    program: str = "git"
    cwd: str | None = None
    env: Mapping[str, str] | None = None

    def entries(self) -> list[config.Entry]:
        """Read the whole configuration."""
        return config.read_config(self.program, self.cwd, self.env)

    def edit(self, file: str, *arguments: str) -> str:
        """Run ``git config`` on one file that is ours, outside any repository; a missing value is no error."""
        done = config.run_git(
            ["config", "--file", file, *arguments], git=self.program, cwd=os.path.dirname(file), env=self.env
        )
        if done.returncode and not (done.returncode == 1 and "--get-all" in arguments):
            lines = done.stderr.decode("utf-8", "replace").replace(file, "the global file").splitlines()
            reason = lines[-1].removeprefix("fatal: ").removeprefix("error: ") if lines else "no reason given"
            raise UsageError(
                f"git cannot edit its configuration: {reason}", hint="git config --global --list"
            )
        return done.stdout.decode("utf-8", "surrogateescape")


HERE = Git()


def global_file(env: Mapping[str, str] | None = None) -> str:
    """Give the file that ``git config --global`` writes, whether it exists or not (git-config(1), FILES)."""
    env = os.environ if env is None else env
    if env.get("GIT_CONFIG_GLOBAL"):
        return os.path.abspath(env["GIT_CONFIG_GLOBAL"])
    home = env.get("HOME") or os.path.expanduser("~")
    usual = os.path.join(home, ".gitconfig")
    other = os.path.join(env.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "git", "config")
    return other if not os.access(usual, os.R_OK) and os.access(other, os.R_OK) else usual


def added(content: bytes, pairs: Pairs, git: Git) -> bytes:
    """Have git add keys and values to a file's content, in new sections at its end."""
    with _scratch(content) as copy:
        for section, group in _sections(pairs):
            # git would add to an older section of that name, wherever it stands: hence a new one, renamed.
            for key, value in group:
                git.edit(copy, "--add", f"{_NEW_SECTION}.{key.rpartition('.')[2]}", value)
            git.edit(copy, "--rename-section", _NEW_SECTION, section)
        return _bytes(copy)


def removed(content: bytes, pairs: Pairs, git: Git) -> bytes:
    """Take out of a file's content what ``added`` put in, and no more, whatever a person has changed since.

    Sections that stand as git wrote them are cut out whole: git cannot address one of two sections of one name.
    From others git takes the values, where a person's and ours are equal the last one.
    """
    for _section, group in _sections(pairs):
        block = added(b"", group, git)
        start = content.rfind(block)
        end = start + len(block)
        if start >= 0 and content[:start][-1:] in (b"", b"\n") and content[end:][:1] in (b"", b"["):
            content = content[:start] + content[end:]
            continue
        with _scratch(content) as copy:
            for key in dict.fromkeys(key for key, _value in group):
                if not _take_out(copy, key, [value for own, value in group if own == key], git):
                    break  # the helper comes first: where ours is gone, the rest is a person's
            content = _bytes(copy)
    return content


def _sections(pairs: Pairs) -> list[tuple[str, Pairs]]:
    groups = itertools.groupby(pairs, key=lambda pair: pair[0].rpartition(".")[0])
    return [(section, tuple(group)) for section, group in groups]


@contextlib.contextmanager
def _scratch(content: bytes) -> Iterator[str]:
    """Lay a content into a file of its own, which nobody else may read: there may be secrets in it."""
    with tempfile.TemporaryDirectory(prefix="git-credential-azdo-") as folder:
        copy = os.path.join(folder, "gitconfig")
        with open(copy, "wb") as file:
            file.write(content)
        yield copy


def _bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _take_out(copy: str, key: str, written: list[str], git: Git) -> bool:
    """Take the values we wrote for a key out of a file, if they are there."""
    now = git.edit(copy, "-z", "--get-all", key).split("\0")[:-1]
    left = without(now, written)
    gone = [value for value in dict.fromkeys(now) if value not in left]
    if len(now) - len(left) == len(gone):  # they can be told apart by their values: nothing else is touched
        for value in gone:
            git.edit(copy, "--fixed-value", "--unset-all", key, value)
    else:
        git.edit(copy, "--unset-all", key)
        for value in left:
            git.edit(copy, "--add", key, value)
    return left != now


def without(now: list[str], written: list[str]) -> list[str]:
    """Take the last run of what we wrote out of a key's values; where a person broke it up, only its last value.

    What stands before that one is an empty value, which then serves what the person put behind it.
    """
    for run in (written, written[-1:]):
        for start in range(len(now) - len(run), -1, -1):
            if now[start : start + len(run)] == run:
                return now[:start] + now[start + len(run) :]
    return now


def read(path: str) -> bytes | None:
    """Read a file; None if there is none. Raises ``UsageError`` if it is no ordinary readable file."""
    if not os.path.exists(path):
        return None
    if not os.path.isfile(path):
        raise UsageError(f"{path} is not a file that can be edited", hint="unset GIT_CONFIG_GLOBAL")
    try:
        return _bytes(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def replace(change: Change, by_hand: str) -> None:
    """Put a file's new content in its place, in one step and under the lock that git itself would take.

    Raises ``UsageError`` if another git holds that lock, if the file has changed since it was read, or (with
    ``by_hand`` as the hint) if it may not be written.
    """
    try:
        _replace(change)
    except OSError as error:
        raise UsageError(f"{change.path} cannot be written: {error.strerror}", hint=by_hand) from None


def _replace(change: Change) -> None:
    target = os.path.realpath(change.path)  # a link stays a link
    lock = f"{target}.lock"
    mode = 0o666 if change.before is None else os.stat(target).st_mode & 0o7777
    if not mode & 0o222 or (change.before is not None and not os.access(target, os.W_OK)):
        raise PermissionError(errno.EACCES, "it is read-only")
    try:
        handle = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    except FileExistsError:
        hint = f"if no other git is running: rm {shlex.quote(lock)}"
        raise UsageError(f"another git is writing {change.path}", hint=hint) from None
    try:
        with open(handle, "wb") as file:
            file.write(change.after or b"")
            file.flush()
            os.fsync(handle)
        if change.before is not None:
            os.chmod(lock, mode)  # what the umask took away
        _check_unchanged(change)
        if change.after is not None:
            os.replace(lock, target)
        else:
            os.remove(target)
            os.remove(lock)
    except BaseException:  # Ctrl-C too: a lock left behind would stop every later git
        with contextlib.suppress(OSError):
            os.remove(lock)
        raise


def _check_unchanged(change: Change) -> None:
    if read(change.path) != change.before:
        raise ChangedMeanwhile(f"{change.path} has changed meanwhile", hint="run it again")
