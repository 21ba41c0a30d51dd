"""The content of our own file of git's configuration: its sections, and the ``helper`` value that starts this program.

Pure but for ``script_path``, which looks for the program. It writes nothing: ``install`` writes the file and includes
it; the caller decides on the addresses.
"""

from __future__ import annotations

import os
import shlex
import sys
from typing import NamedTuple

from git_credential_azdo import hints, programs
from git_credential_azdo.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PROGRAM = "git-credential-azdo"
_LEADING_PYTHON = ("PYTHONHOME", "PYTHONPATH", "PYTHONPLATLIBDIR", "PYTHONPYCACHEPREFIX")
"""The variables that name folders from which Python loads code: an editor's, or the repository's."""
_HEAD = f"# git-credential-azdo writes this file; to take it back: {hints.unconfigure()}"


class Section(NamedTuple):
    """An address, as a pattern of git's, for which git asks our helper.

    ``with_path``: whether git sends the path, which holds the organization (useHttpPath). ``also``: addresses that the
    pattern matches, for programs with their own implementation of git, which do not know ``*`` (libgit2, JGit).
    """

    url: str
    with_path: bool = False
    also: tuple[str, ...] = ()


def pairs(section: Section, value: str) -> list[tuple[str, str]]:
    """Return git's keys and values for a section; the empty helper clears the list of those set before it."""
    found = []
    for url in (section.url, *section.also):
        found += [(f"credential.{url}.helper", ""), (f"credential.{url}.helper", value)]
        found += [(f"credential.{url}.useHttpPath", "true")] if section.with_path else []
    return found


def render(sections: Iterable[Section], value: str, remark: str = "") -> bytes:
    """Return the file's bytes; ``value`` is what ``helper_value`` returned, ``remark`` becomes a comment."""
    lines = [_HEAD, *([f"# {remark}"] if remark else [])]
    header = ""
    for key, written in (pair for section in sections for pair in pairs(section, value)):
        url, _, name = key.removeprefix("credential.").rpartition(".")
        if header != (header := f"[credential {_quoted(url)}]"):
            lines.append(header)
        lines.append(f"\t{name} = {written if shlex.quote(written) == written else _quoted(written)}")
    return "\n".join([*lines, ""]).encode()


def _quoted(text: str) -> str:
    """Return a text without newlines quoted for git's configuration (git-config(1), SYNTAX)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def helper_value(script: str, *, windows: bool = os.name == "nt") -> str:
    """Return the value of ``helper`` that runs our program by its absolute path. Raise UsageError.

    git passes it to a POSIX shell, on Windows too; the shell unsets first the variables that would make Python load
    other code. Not so on Windows: programs with their own implementation of git have no such shell, and run a plain
    path themselves.
    """
    path = script.replace("\\", "/") if windows else script
    if not (path.startswith("/") or (windows and path[1:3] == ":/")):
        raise UsageError(f"not an absolute path: {script}")
    if any(char < " " or "\ud800" <= char <= "\udfff" for char in path):
        raise UsageError(
            "the path of git-credential-azdo has characters that are not allowed in git's configuration"
        )
    if not windows:
        return f"!unset {' '.join(_LEADING_PYTHON)}; exec {shlex.quote(path)}"
    safe = shlex.quote(path)
    # With a quote in front git would not see that the path is absolute; with ! it is a shell command.
    return path if safe == path else f"!{safe}"


def script_path(argv0: str, which: Callable[[str], str | None] = programs.which) -> str | None:
    """Return the absolute path of our console script, symbolic links not resolved (they survive upgrades), or None.

    The one that is running; under ``python -m`` the one beside the interpreter; else the one on PATH.
    """
    candidates = [os.path.join(os.path.dirname(sys.executable), PROGRAM)]
    if os.path.basename(argv0).lower() in (PROGRAM, f"{PROGRAM}.exe"):
        found = argv0 if os.path.dirname(argv0) else which(argv0) or argv0
        candidates.insert(0, found)
    for candidate in candidates:
        for path in (candidate, f"{candidate}.exe"):  # Windows' launcher drops its suffix from argv[0]
            if os.path.isfile(path):
                return os.path.abspath(path)
    found_on_path = which(PROGRAM)
    return os.path.abspath(found_on_path) if found_on_path else None
