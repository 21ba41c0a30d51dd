"""Changing git's configuration: an ``include`` at the end of the global file; everything else is in a file of ours.

git runs every helper that applies, in the order of the files, and an empty one clears those before it
(gitcredentials(7)): what is included last decides, for the URLs that it names and no others. git ignores an included
file that does not exist (git-config(1)), so a global file that was copied into a container disables no helper.
Must never change what the user wrote. The caller decides on the URLs.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from git_credential_azdo import hints, programs
from git_credential_azdo.deadline import defer_signals
from git_credential_azdo.errors import UsageError
from git_credential_azdo.files import NAME, read_own, unusable
from git_credential_azdo.git import address, config, edit, helpers
from git_credential_azdo.git.config import Entry
from git_credential_azdo.git.edit import is_same
from git_credential_azdo.writing import delete, write_own

_NEW = "git-credential-azdo-include"
"""A section that is renamed immediately: git would add the value to an earlier ``include`` section."""
_MADE = "# made together with this file: "
_INCLUDE = "include.path"
_WIDE = ("system", "global")
_LEADING_PYTHON = "PYTHONEXECUTABLE PYTHONHOME PYTHONPATH PYTHONPLATLIBDIR PYTHONPYCACHEPREFIX"
"""The variables that name folders from which Python loads code, such as an editor's or the repository's."""
_HEAD = f"# git-credential-azdo writes this file; to take it back: {hints.unconfigure()}"


class Section(NamedTuple):
    """A URL pattern for which git runs our helper.

    ``with_path``: whether git sends the path, which contains the organization (useHttpPath). ``also``: URLs that the
    pattern matches, for programs with their own implementation of git that does not support ``*`` (libgit2, JGit).
    """

    url: str
    with_path: bool = False
    also: tuple[str, ...] = ()

    def pairs(self, value: str) -> list[tuple[str, str]]:
        """Return the keys and values for git; the empty helper clears the list of those set before it."""
        found = []
        for url in (self.url, *self.also):
            found += [(f"credential.{url}.helper", ""), (f"credential.{url}.helper", value)]
            found += [(f"credential.{url}.useHttpPath", "true")] if self.with_path else []
        return found


class Plan(NamedTuple):
    """The changes to git's configuration, before they are written.

    ``own``, ``content``: the path of our file and its bytes, None to delete it. ``is_new``: whether it changes.
    ``adds``: whether the ``include`` is added to the global file. ``stale``: entries of ours to remove. ``former``:
    sections of 0.1.0 to remove. ``made``: the global file, if ``configure`` creates or created it. ``lines``: the
    preview. ``remaining``: helpers that git also runs, in scopes that ours cannot override.
    """

    own: str
    content: bytes | None
    is_new: bool
    adds: bool
    stale: list[Entry]
    former: list[edit.Former]
    made: str
    lines: list[str]
    remaining: list[helpers.Other]

    @property
    def changes(self) -> bool:
        """Whether git's global file changes."""
        return bool(self.adds or self.stale or self.former)


def plan(own: str, sections: Sequence[Section] = (), script: str = "") -> Plan:
    """Return the changes after which git runs only our helper for the sections' URLs; without sections, no longer ours.

    ``own``: the path of our configuration file. ``script``: the path of our program.
    Raise UsageError when git is missing or rejects its configuration, or a path or a URL cannot be written.
    """
    value = helper_value(script) if sections else ""
    everything = config.read_config()
    entries = [entry for entry in everything if not is_same(entry.origin, own)]
    examples = {section.url: _examples(entries, section.url) for section in sections}
    ours = [Entry("global", own, *pair) for section in sections for pair in section.pairs(value)]
    includes = [
        entry
        for entry in entries
        if entry.key == _INCLUDE and is_same(entry.value or "", own) and entry.scope in {"global", "command"}
    ]
    after = [each for entry in entries for each in (entry, *(ours if entry in includes else ()))]
    wide = [entry for entry in after if entry.scope in _WIDE]
    is_settled = includes and all(
        [helper.value for helper in config.helpers_for(wide, example)] == [value]
        and (not section.with_path or config.use_http_path(wide, example))
        for section in sections
        for example in examples[section.url]
    )
    adds = bool(sections) and not is_settled
    if adds:
        after = [entry for entry in entries if entry.scope in _WIDE] + ours
        after += [entry for entry in entries if entry.scope not in _WIDE]
    stale = [entry for entry in entries if entry.key == f"{_NEW}.path"]
    stale += includes if adds or not sections else []
    stale = [entry for entry in stale if entry.scope == "global"]
    path, before = edit.global_file(), _own_content(own)
    former = edit.former(entries, path)
    shown = []
    if adds:
        shown += [f"{path}: adds at its end", "  [include]", f"    path = {own}"]
        shown += [f"so that git asks {script} for", *(f"  {url}" for url in examples)]
        for url, below in examples.items():
            replaced = (other for other in _others(everything, below) if other.helper.value)
            shown += [f"no longer asked for {url}: {other.description}" for other in replaced]
    shown += [f"{entry.origin}: removes {entry.key} = {entry.value}" for entry in stale]
    made = path if sections and not os.path.exists(path) else _made(before)
    content = _render(sections, value, _MADE + made if made else "") if sections else None
    return Plan(
        own=own,
        content=content,
        is_new=content != before if sections else os.path.lexists(own),
        adds=adds,
        stale=stale,
        former=former,
        made=made,
        lines=[*shown, *(line for section in former for line in section.lines)],
        remaining=_others(after, [each for below in examples.values() for each in below]),
    )


def apply(plan: Plan) -> None:
    """Carry out a plan, starting with our own file, without which the ``include`` has no effect.

    Signals are deferred until the end; the next run completes what a killed one left. Raise UsageError when a file
    cannot be written.
    """
    with defer_signals():
        try:
            if plan.content is None:
                delete(plan.own)
            elif plan.is_new:
                write_own(plan.own, plan.content, os.path.dirname(plan.own), linked=True)
        except OSError as error:
            raise _failed("write", plan.own, error) from None
        try:
            for line in plan.stale:
                edit.edit(line.origin, "--unset-all", line.key, edit.exactly(line.value or ""))
                edit.drop_empty_section(line.origin, line.key.removesuffix(".path"))
            for section in plan.former:
                edit.remove(section)
            if plan.adds:
                _add(plan.own)
        except UsageError as error:
            left = "" if plan.content or plan.former else "; the include that remains there has no effect"
            hint = error.hint or (_instead(plan.own) if plan.adds else None)
            raise UsageError(error.message + left, hint) from None
        if plan.content is None and plan.made:
            with contextlib.suppress(OSError):
                if not os.path.getsize(plan.made):
                    os.unlink(os.path.realpath(plan.made))


def _add(own: str) -> None:
    path = own.replace("\\", "/") if os.name == "nt" else own
    if edit.ends_in(edit.global_file(), "include"):
        edit.edit(None, "--add", _INCLUDE, path)
    else:
        edit.edit(None, "--add", f"{_NEW}.path", path)
        edit.edit(None, "--rename-section", _NEW, "include")


def _instead(own: str) -> str:
    """Return the command that makes git read our file when the global file cannot be written.

    If only the one below XDG_CONFIG_HOME exists, it creates an empty ~/.gitconfig, which git prefers and can write.
    """
    usual, other = edit.usual_files()
    is_free = not os.path.lexists(usual) and os.access(os.path.dirname(usual), os.W_OK)
    if is_free and edit.global_file() == other:
        return hints.make_empty(usual)
    return hints.include(own, os.environ.get("GIT_CONFIG_COUNT") or "0")


def has_section(own: str, url: str) -> bool:
    """Return whether git's configuration has a section of this version or of 0.1.0 for a URL. Raise UsageError."""
    if f'"{url}"'.encode() in _own_content(own):
        return True
    return any(each.url == url for each in edit.former(config.read_config(), edit.global_file()))


def _own_content(own: str) -> bytes:
    """Return the bytes of our file, empty when there is none. Raise UsageError."""
    try:
        return read_own(own, os.path.dirname(own), linked=True) or b""
    except OSError as error:
        raise _failed("read", own, error) from None


def _failed(doing: str, own: str, error: OSError) -> UsageError:
    failure = unusable(doing, own, error, os.path.dirname(own))
    return UsageError(failure.message, failure.hint)


def _made(content: bytes) -> str:
    """Return the path of the global file that was created together with our file; empty if none was."""
    lines = content.decode("utf-8", "surrogateescape").splitlines()
    return next((line.removeprefix(_MADE) for line in lines if line.startswith(_MADE)), "")


def _examples(entries: Iterable[Entry], url: str) -> list[str]:
    """Return URLs that a pattern of ours matches, one for each entry that could change the result."""
    pattern = address.normalize(url, pattern=True)
    base = address.normalize(url.replace("*", "organization"))
    if pattern is None or base is None:
        raise UsageError(f"not a URL that git understands: {url}")
    found = {str(base): None}
    for entry in entries:
        section, subsection, _name = config.split_key(entry.key)
        if section != "credential" or not subsection:
            continue
        parts = address.partial(subsection)
        full = parts._replace(protocol=parts.protocol or base.scheme, host=parts.host or base.host)
        theirs = address.normalize(subsection, pattern=True) or address.normalize(address.compose(full))
        host = theirs.host if theirs and "*" not in theirs.host else base.host
        example = theirs._replace(host=host, port=base.port) if theirs else None
        if example and address.match(example, pattern):
            found[str(example)] = None
    return list(found)


def _others(entries: Sequence[Entry], examples: Iterable[str]) -> list[helpers.Other]:
    """Return the other helpers (or an empty one that removes ours) for some URLs, each once."""
    found: dict[helpers.Other, None] = {}
    for example in examples:
        others = helpers.others(entries, example)
        found |= dict.fromkeys(others.receiving or others.before)
        found |= {others.reset: None} if others.reset else {}
    return list(found)


def _render(sections: Iterable[Section], value: str, remark: str) -> bytes:
    """Return our file's bytes; ``value`` is what ``helper_value`` returned, ``remark`` a comment."""
    lines = [_HEAD, *([remark] if remark else [])]
    header = ""
    for key, written in (pair for section in sections for pair in section.pairs(value)):
        url, _, name = key.removeprefix("credential.").rpartition(".")
        if header != (header := f"[credential {_quoted(url)}]"):
            lines.append(header)
        lines.append(f"\t{name} = {written if shlex.quote(written) == written else _quoted(written)}")
    return "\n".join([*lines, ""]).encode()


def _quoted(text: str) -> str:
    """Return a single-line text quoted for git's configuration (git-config(1), SYNTAX)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def helper_value(script: str, *, windows: bool = os.name == "nt") -> str:
    """Return the value of ``helper`` that runs our program by its absolute path. Raise UsageError.

    git passes it to a POSIX shell, which first unsets the variables that would make Python load other code. This is not
    done on Windows, where programs with their own implementation of git have no such shell and run a plain path.
    """
    path = script.replace("\\", "/") if windows else script
    if not (path.startswith("/") or (windows and path[1:3] == ":/")):
        raise UsageError(f"not an absolute path: {script}")
    if any(char < " " or "\ud800" <= char <= "\udfff" for char in path):
        raise UsageError(f"the path of {NAME} has characters that are not allowed in git's configuration")
    if not windows:
        base = os.path.join(os.environ.get("PYTHONUSERBASE") or os.devnull, "")
        is_needed = __file__.startswith(base)  # this program is installed there
        return f"!unset {_LEADING_PYTHON}{'' if is_needed else ' PYTHONUSERBASE'}; exec {shlex.quote(path)}"
    safe = shlex.quote(path)
    # git does not recognize an absolute path that starts with a quote; with ! it is a shell command.
    return path if safe == path else f"!{safe}"


def script_path(argv0: str, which: Callable[[str], str | None] = programs.which) -> str | None:
    """Return the absolute path of our console script, or None; symbolic links, which survive upgrades, are not resolved.

    It is the running script; under ``python -m`` the one beside the interpreter; else the one on PATH.
    """
    candidates = [os.path.join(os.path.dirname(sys.executable), NAME)]
    if os.path.basename(argv0).lower() in (NAME, f"{NAME}.exe"):
        found = argv0 if os.path.dirname(argv0) else which(argv0) or argv0
        candidates.insert(0, found)
    for candidate in candidates:
        for path in (candidate, f"{candidate}.exe"):  # the launcher on Windows omits the suffix from argv[0]
            if os.path.isfile(path):
                return os.path.abspath(path)
    found_on_path = which(NAME)
    return os.path.abspath(found_on_path) if found_on_path else None
