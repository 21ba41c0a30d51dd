"""git's configuration, written: our helper for some URLs, in sections of its own at the end of the global file.

git asks every helper that applies, in the order of the files, and an empty ``helper`` clears those read before
it (gitcredentials(7)): so ours stand last, behind an empty one, and all other hosts keep what they had. What a
person wrote is never changed; undoing takes out what the record says and nothing else.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from typing import NamedTuple

from git_credential_azdo.errors import UsageError
from git_credential_azdo.git import config, config_file, urlmatch
from git_credential_azdo.git.config import Entry
from git_credential_azdo.git.config_file import HERE, Change, Git

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

DEV_AZURE = "https://dev.azure.com"
VISUAL_STUDIO = "https://*.visualstudio.com"

_PROGRAM = "git-credential-azdo"

Record = tuple[tuple[str, str], ...]
"""What was written: ("file", its path), or "new-file" if it was not there before, then pairs of git's key and
value in order. No value holds a newline."""


class Plan(NamedTuple):
    """What would be written; nothing of it is written yet.

    ``lines``: the preview for people. ``remaining``: helpers that would still be in our way, set where the global
    file cannot overrule them. ``record``: what ``apply`` returns. ``by_hand``: the cure where we may not write.
    """

    files: tuple[Change, ...]
    lines: tuple[str, ...]
    remaining: tuple[config.Other, ...]
    record: Record
    by_hand: str

    @property
    def changes(self) -> bool:
        """Whether applying it writes anything."""
        return bool(self.files)


def plan(script: str, *, record: Record = (), git: Git = HERE) -> Plan:
    """Preview what ``setup`` writes for Azure DevOps Services, ``script`` being the absolute path of our program.

    ``record`` is what an earlier ``apply`` returned; its lines are replaced where they no longer do. Raises
    ``UsageError`` if git is missing or refuses its configuration, or if the path cannot be written there.
    """
    return _plan([DEV_AZURE, VISUAL_STUDIO], script, record, git, with_path=True)


def plan_server(
    url: str, script: str, *, with_path: bool = False, record: Record = (), git: Git = HERE
) -> Plan:
    """Preview what ``server add`` writes for a registered server: the helper, and ``useHttpPath`` on request."""
    return _plan([url.rstrip("/")], script, record, git, with_path=with_path)


def plan_undo(record: Record, *, git: Git = HERE) -> Plan:
    """Preview taking back what a record says, and only that; what a person has removed since is no error."""
    nothing = Plan((), (), (), (), "")
    if not record:
        return nothing
    (kind, path), pairs = record[0], record[1:]
    before = config_file.read(path)
    after = config_file.removed(before, pairs, git) if before is not None else None
    if after == before:
        return nothing
    lines = tuple(f"{path}: takes out {key} = {value}" for key, value in pairs)
    change = Change(path, before, None if kind == "new-file" and not after else after)
    return Plan((change,), lines, (), (), "\n".join(["take these lines out by hand:", *lines]))


def apply(plan: Plan) -> Record:
    """Write a plan, each file in one step, symbolic links kept; give the record to keep.

    Raises ``UsageError`` if a file may not be written, has changed since, or is locked by git.
    """
    for change in plan.files:
        config_file.replace(change, plan.by_hand)
    return plan.record


def undo(record: Record, *, git: Git = HERE) -> Record:
    """Take back what ``apply`` wrote; give the record that is left (an empty one)."""
    return apply(plan_undo(record, git=git))


def script_path(argv0: str, which: Callable[[str], str | None] = shutil.which) -> str | None:
    """Give the absolute path of our console script, symbolic links as they are (they outlive upgrades).

    The one that is running; under ``python -m`` the one beside the interpreter; else the one on PATH; else None.
    """
    candidates = [os.path.join(os.path.dirname(sys.executable), _PROGRAM)]
    if os.path.basename(argv0).lower() in (_PROGRAM, f"{_PROGRAM}.exe"):
        found = argv0 if os.path.dirname(argv0) else which(argv0) or argv0
        candidates.insert(0, found)
    for candidate in candidates:
        for path in (candidate, f"{candidate}.exe"):  # Windows' launcher drops its suffix from argv[0]
            if os.path.isfile(path):
                return os.path.abspath(path)
    found_on_path = which(_PROGRAM)
    return os.path.abspath(found_on_path) if found_on_path else None


def helper_value(script: str, *, windows: bool = os.name == "nt") -> str:
    """Write our program's absolute path as a value of ``helper``; git hands it to a POSIX shell, on Windows too."""
    path = script.replace("\\", "/") if windows else script
    if not (path.startswith("/") or (windows and path[1:3] == ":/")):
        raise UsageError(f"not an absolute path: {script}")
    if any(char < " " or "\ud800" <= char <= "\udfff" for char in path):
        raise UsageError(
            "the path of git-credential-azdo has characters that git's configuration cannot hold"
        )
    safe = shlex.quote(path)
    # A quote in front would hide from git that the path is absolute: such a one is a shell command.
    return path if safe == path else f"!{safe}"


def _plan(urls: Sequence[str], script: str, record: Record, git: Git, *, with_path: bool) -> Plan:
    """Preview a section for each URL; ``with_path``: git must tell us the path, which holds the organization."""
    path = config_file.global_file(git.env)
    value = helper_value(script)
    entries = git.entries()
    wide = [entry for entry in entries if entry.scope in ("system", "global")]
    path_needed = [url for url in urls if with_path and url != VISUAL_STUDIO]  # that host holds it
    new = _new_pairs(urls, value, path_needed)
    ours = [Entry("global", path, key, text) for key, text in new]
    remaining = _others([*wide, *ours, *entries[len(wide) :]], *urls)
    if all(_settled(wide, url, value, with_path=url in path_needed) for url in urls):
        if not record and {(key.lower(), text) for key, text in new} <= {
            (entry.key.lower(), entry.value or "") for entry in wide if entry.origin == path
        }:
            record = (("file", path), *new)  # ours, though we do not remember it
        return Plan((), (f"{path}: nothing to do",), remaining, record, "")

    taken = plan_undo(record, git=git)
    cleared = {change.path: change.after for change in taken.files}
    before = config_file.read(path)
    after = config_file.added(cleared.get(path, before) or b"", new, git)
    block = config_file.added(b"", new, git).decode("utf-8", "surrogateescape")
    lines = [*taken.lines, f"{path}: adds at the end", *block.splitlines()]
    for url in urls:
        lines += [f"no longer asked for {url}: {o.said}" for o in _others(wide, url) if o.helper.value]
    created = before is None or ("new-file", path) in record
    return Plan(
        # The new lines are in place before the old ones go, should they be in another file.
        (Change(path, before, after), *(change for change in taken.files if change.path != path)),
        tuple(lines),
        remaining,
        (("new-file" if created else "file", path), *new),
        f"add these lines at its end:\n{block}",
    )


def _new_pairs(urls: Sequence[str], value: str, path_needed: Sequence[str]) -> Record:
    """List the keys and values to write."""
    pairs: list[tuple[str, str]] = []
    for url in urls:
        pairs += [(f"credential.{url}.helper", ""), (f"credential.{url}.helper", value)]
        if url in path_needed:
            pairs.append((f"credential.{url}.useHttpPath", "true"))
    return tuple(pairs)


def _examples(entries: Iterable[Entry], url: str) -> list[str]:
    """Give URLs below a pattern of ours, one for each place where the entries could make a difference."""
    pattern = urlmatch.normalize(url, pattern=True)
    base = urlmatch.normalize(url.replace("*", "organization"))
    if pattern is None or base is None:
        raise UsageError(f"git would not understand this as a URL: {url}")
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


def _settled(wide: Sequence[Entry], url: str, value: str, *, with_path: bool) -> bool:
    """Say whether git, without any repository's own settings, asks only us about what lies below a URL.

    ``with_path``: it must also tell us the path.
    """
    return all(
        [helper.value for helper in config.helpers_for(wide, example)] == [value]
        and (not with_path or config.use_http_path(wide, example))
        for example in _examples(wide, url)
    )


def _others(entries: Iterable[Entry], *urls: str) -> tuple[config.Other, ...]:
    """List every other helper (or an empty one that shuts us out) for what lies below some URLs, each once."""
    entries = list(entries)
    found: dict[config.Other, None] = {}
    for url in urls:
        for example in _examples(entries, url):
            others = config.others(entries, example)
            found |= dict.fromkeys(others.receiving or others.before)
            found |= {others.reset: None} if others.reset else {}
    return tuple(found)
