"""git's configuration, written: an ``include`` at the end of the global file; all else is in a file of ours.

git asks every helper that applies, in the order of the files, and an empty one clears those before it
(gitcredentials(7)): what is included last decides, for the addresses that it names and for no others. git ignores an
included file that is absent (git-config(1)), so a global file that was copied into a container disables no helper.
Must never change what a person wrote.
"""

from __future__ import annotations

import contextlib
import os
from typing import NamedTuple

from git_credential_azdo import hints
from git_credential_azdo.deadline import held_back
from git_credential_azdo.errors import UsageError
from git_credential_azdo.files import read_own
from git_credential_azdo.git import config, former, helpers, urlmatch
from git_credential_azdo.git.config import Entry
from git_credential_azdo.git.edit import (
    drop_empty_section,
    edit,
    ends_in,
    exactly,
    global_file,
    is_same,
    usual_files,
)
from git_credential_azdo.git.sections import Section, helper_value, pairs, render
from git_credential_azdo.ownership import unusable
from git_credential_azdo.writing import write_own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NEW = "git-credential-azdo-include"
"""A section that is renamed at once: git would add to an earlier ``include`` section."""
_MADE = "made together with this file: "
_INCLUDE = "include.path"
_WIDE = ("system", "global")


class Plan(NamedTuple):
    """The changes to git's configuration, before they are written.

    ``own``, ``content``: the path of our file and its bytes, None to delete it. ``is_new``: whether it changes.
    ``adds``: whether the global file gets the ``include``. ``stale``: entries of ours to remove. ``former``: sections of
    0.1.0 to remove. ``made``: the global file, if ``configure`` creates or created it. ``lines``: the preview.
    ``remaining``: helpers that git asks too, in scopes that ours cannot override.
    """

    own: str
    content: bytes | None
    is_new: bool
    adds: bool
    stale: list[Entry]
    former: list[former.Written]
    made: str
    lines: list[str]
    remaining: list[helpers.Other]

    @property
    def changes(self) -> bool:
        """Whether git's global file changes."""
        return bool(self.adds or self.stale or self.former)


def plan(
    own: str, sections: Sequence[Section] = (), script: str = "", records: Sequence[former.Record] = ()
) -> Plan:
    """Return the changes after which git asks only our helper for some addresses; without any, not ours any more.

    Args:
        own: the path of our configuration file.
        sections: the addresses.
        script: the absolute path of our program.
        records: the records of 0.1.0 about what it wrote.

    Raise UsageError when git is missing or rejects its configuration, or a path or an address cannot be written.

    """
    value = helper_value(script) if sections else ""
    everything = config.read_config()
    entries = [entry for entry in everything if not is_same(entry.origin, own)]
    examples = {section.url: _examples(entries, section.url) for section in sections}
    ours = [Entry("global", own, *pair) for section in sections for pair in pairs(section, value)]
    lines = [entry for entry in entries if entry.key == _INCLUDE and is_same(entry.value or "", own)]
    lines = [entry for entry in lines if entry.scope in ("global", "command")]

    after = [each for entry in entries for each in (entry, *(ours if entry in lines else ()))]
    wide = [entry for entry in after if entry.scope in _WIDE]
    is_settled = lines and all(
        [helper.value for helper in config.helpers_for(wide, example)] == [value]
        and (not section.with_path or config.use_http_path(wide, example))
        for section in sections
        for example in examples[section.url]
    )
    adds = bool(sections) and not is_settled
    if adds:
        wide = [entry for entry in entries if entry.scope in _WIDE]
        after = [*wide, *ours, *(entry for entry in entries if entry.scope not in _WIDE)]
    stale = [entry for entry in entries if entry.key == f"{_NEW}.path"] + (
        lines if adds or not sections else []
    )
    stale = [line for line in stale if line.scope == "global"]
    path = global_file()
    old = former.written(entries, records, path)
    shown = [f"{path}: adds at its end", "  [include]", f"    path = {own}"] if adds else []
    shown += [f"so that git asks {script} for", *(f"  {url}" for url in examples)] if adds else []
    for url, below in examples.items() if adds else ():
        replaced = _others(everything, below)
        shown += [
            f"no longer asked for {url}: {other.description}" for other in replaced if other.helper.value
        ]
    shown += [f"{line.origin}: removes {line.key} = {line.value}" for line in stale]
    before = own_content(own)
    made = path if sections and not os.path.exists(path) else _made(before) or former.made(records)
    content = render(sections, value, _MADE + made if made else "") if sections else None
    return Plan(
        own=own,
        content=content,
        is_new=content != before if sections else os.path.lexists(own),
        adds=adds,
        stale=stale,
        former=old,
        made=made,
        lines=[*shown, *(line for section in old for line in section.lines)],
        remaining=_others(after, [each for below in examples.values() for each in below]),
    )


def apply(plan: Plan) -> None:
    """Write a plan, our own file first: without it the ``include`` has no effect.

    Signals are deferred to the end; the next run completes what a killed one left. Raise UsageError when a file cannot
    be written.
    """
    with held_back():
        _write(plan)
        try:
            for line in plan.stale:
                edit(line.origin, "--unset-all", line.key, exactly(line.value or ""))
                drop_empty_section(line.origin, line.key.removesuffix(".path"))
            for section in plan.former:
                former.remove(section)
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


def _write(plan: Plan) -> None:
    try:
        if plan.content is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(plan.own)
        elif plan.is_new:
            write_own(plan.own, plan.content, os.path.dirname(plan.own), linked=True)
    except OSError as error:
        raise _failed("write", plan.own, error) from None


def _add(own: str) -> None:
    path = own.replace("\\", "/") if os.name == "nt" else own
    if ends_in(global_file(), "include"):
        edit(None, "--add", _INCLUDE, path)
    else:
        edit(None, "--add", f"{_NEW}.path", path)
        edit(None, "--rename-section", _NEW, "include")


def _instead(own: str) -> str:
    """Return the command that makes git read our file where the global one cannot be written.

    Where only the one below XDG_CONFIG_HOME exists, git prefers a new and empty ~/.gitconfig, which can be written.
    """
    usual, other = usual_files()
    if global_file() == other and not os.path.lexists(usual) and os.access(os.path.dirname(usual), os.W_OK):
        return hints.make_empty(usual)
    return hints.include(own, os.environ.get("GIT_CONFIG_COUNT") or "0")


def own_content(own: str) -> bytes:
    """Return the bytes of our file, empty when there is none. Raise UsageError."""
    try:
        return read_own(own, os.path.dirname(own), linked=True) or b""
    except OSError as error:
        raise _failed("read", own, error) from None


def _failed(doing: str, own: str, error: OSError) -> UsageError:
    failure = unusable(doing, own, error, os.path.dirname(own))
    return UsageError(failure.message, failure.hint)


def _made(content: bytes) -> str:
    """Return the path of the global file that was created with our file, as the comment in it says; empty if none was."""
    lines = content.decode("utf-8", "surrogateescape").splitlines()
    return next((line[len(_MADE) + 2 :] for line in lines if line.startswith(f"# {_MADE}")), "")


def _examples(entries: Iterable[Entry], url: str) -> list[str]:
    """Return URLs that a pattern of ours matches: one for each place where another entry could change the result."""
    pattern = urlmatch.normalize(url, pattern=True)
    base = urlmatch.normalize(url.replace("*", "organization"))
    if pattern is None or base is None:
        raise UsageError(f"not a URL that git understands: {url}")
    found = {urlmatch.write(base): None}
    for entry in entries:
        section, subsection, _name = config.split_key(entry.key)
        if section != "credential" or not subsection:
            continue
        parts = urlmatch.partial(subsection)
        full = parts._replace(protocol=parts.protocol or base.scheme, host=parts.host or base.host)
        theirs = urlmatch.normalize(subsection, pattern=True) or urlmatch.normalize(urlmatch.compose(full))
        host = theirs.host if theirs and "*" not in theirs.host else base.host
        example = theirs._replace(host=host, port=base.port) if theirs else None
        if example and urlmatch.match(example, pattern):
            found[urlmatch.write(example)] = None
    return list(found)


def _others(entries: Sequence[Entry], examples: Iterable[str]) -> list[helpers.Other]:
    """Return the other helpers (or an empty one that removes ours) for some URLs, each once."""
    found: dict[helpers.Other, None] = {}
    for example in examples:
        others = helpers.others(entries, example)
        found |= dict.fromkeys(others.receiving or others.before)
        found |= {others.reset: None} if others.reset else {}
    return list(found)
