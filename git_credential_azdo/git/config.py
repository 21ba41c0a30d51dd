"""git's configuration, read with one ``git config --list``: which helpers git runs for a URL, and where each is set.

It applies the rules of git's credential.c (gitcredentials(7), git-config(1); tests compare it with real git), so no
helper has to be run. Must never write, and never be used for a ``get`` that is answered from the vault.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from git_credential_azdo import hints, programs
from git_credential_azdo.errors import UsageError, quote
from git_credential_azdo.git import address

_SECONDS = 20.0
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "": False}
_NUMBER = re.compile(r"\s*([+-]?(?:0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*))([kmg]?)")  # git_parse_int
_LARGEST = 2**31 - 1
_OURS = re.compile(
    r"""
      azdo (\s|$)                                            # git's short name for git-credential-azdo
    | ["']? (/|\\|[A-Z]:) (.*[\\/])? git-credential-azdo (\.exe)? ["']? (\s|$)
    | ! (.*[\\/\s"'])? git-credential-azdo (\.exe)? ["']? (\s|$)
    | ! (.*\s)? git\s+credential-azdo (\s|$)
    | ! .*\s -m\s+git_credential_azdo (\s|$)
    """,
    re.VERBOSE | re.IGNORECASE,
)


class Entry(NamedTuple):
    """One entry of git's configuration, as git prints it; a later one overrides an earlier one.

    ``scope``: system, global, local, worktree or command. ``origin``: the file's path (a relative one starts at the top
    of the work tree), or ``command line``. ``key``: section and name in lower case. ``value``: None without ``=``.
    """

    scope: str
    origin: str
    key: str
    value: str | None

    @property
    def trusted(self) -> bool:
        """Whether the user or an administrator set it, rather than a repository or a file below the current folder.

        A relative path results from a relative HOME or GIT_CONFIG_GLOBAL; ``git -c`` has the scope ``command``.
        """
        absolute = self.origin.startswith("/") or os.path.isabs(self.origin)
        return self.scope == "command" or (self.scope in ("system", "global") and absolute)

    @property
    def has_user(self) -> bool:
        """Whether the URL in the key contains a user, which may include a password and is therefore not shown."""
        return address.without_users(self.key) != self.key

    @property
    def description(self) -> str:
        """The key and where it is set, for a message; without the user and password of a URL in it."""
        return f"{address.without_users(self.key)} in {location(self)}"


class Helper(NamedTuple):
    """A credential helper that git would run: ``value`` as set in ``entry``, ``ours`` if it is this program."""

    value: str
    entry: Entry
    ours: bool

    @property
    def command(self) -> str:
        """The shell command that git runs (before ``get``, ``store`` or ``erase``); it may contain a secret."""
        if self.value.startswith("!"):
            return self.value[1:]
        if re.match(r"/|[A-Za-z]:|\\", self.value):
            return self.value
        return f"git credential-{self.value}"


def run_git(arguments: Sequence[str], cwd: str = os.curdir) -> programs.Completed:
    """Run git with English messages, no prompts and a time limit. Raise programs.NotFound, UsageError."""
    environment = {**os.environ, "LC_ALL": "C", "LANGUAGE": "C", "GIT_TERMINAL_PROMPT": "0"}
    environment.pop("GIT_CONFIG", None)  # only ``git config`` would read that file instead
    try:
        return programs.run(["git", *arguments], _SECONDS, cwd=cwd, environment=environment)
    except programs.NotFound:
        raise programs.NotFound("git was not found on PATH", hint=hints.GIT_DOWNLOADS) from None
    except programs.Stopped:
        raise UsageError(f"git did not respond in time: {arguments[0]}") from None


def reason_of(done: programs.Completed) -> str:
    """Return the last line that git wrote to stderr, without its ``fatal:`` or ``error:``."""
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    lines = lines or ["it was killed" if done.returncode < 0 else "no reason given"]
    return lines[-1].removeprefix("fatal: ").removeprefix("error: ")


def read_config() -> list[Entry]:
    """Return every entry that git reads in the current folder, in git's order. Raise programs.NotFound, UsageError."""
    done = run_git(["config", "--list", "-z", "--show-origin", "--show-scope"])
    if done.returncode:
        if b"show-scope" in done.stderr:
            raise UsageError("this git is older than 2.26", hint=hints.GIT_DOWNLOADS)
        _, in_file, path = reason_of(done).rpartition(" in file ")
        cure = hints.edit(path) if in_file else hints.config_names()
        raise UsageError(f"git cannot read its configuration: {reason_of(done)}", cure)
    return parse_list(done.stdout)


def parse_list(output: bytes) -> list[Entry]:
    """Return the entries in the output of ``git config --list -z --show-origin --show-scope``.

    Raise UsageError when the output is truncated.
    """
    fields = output.decode("utf-8", "surrogateescape").split("\0")
    if fields.pop() or len(fields) % 3:
        raise UsageError("git printed only a part of its configuration", hint=hints.config_names())
    entries = []
    for scope, origin, line in zip(fields[0::3], fields[1::3], fields[2::3], strict=True):
        key, newline, value = line.partition("\n")
        entries.append(Entry(scope, origin.removeprefix("file:"), key, value if newline else None))
    return entries


def split_key(key: str) -> tuple[str, str | None, str]:
    """Split ``section.subsection.name``; the subsection may hold dots or be None, the others are in lower case."""
    section, _, rest = key.partition(".")
    subsection, dot, name = rest.rpartition(".")
    return section.lower(), subsection if dot else None, name.lower()


def is_ours(value: str) -> bool:
    """Return whether a value of ``helper``, in any of the possible spellings, runs this program."""
    return bool(_OURS.match(value))


def _settings(entries: Iterable[Entry], section: str, *names: str) -> Iterator[tuple[Entry, str | None, str]]:
    """Yield the entries with these names in a section, each with its subsection and name."""
    for entry in entries:
        own_section, subsection, name = split_key(entry.key)
        if own_section == section and name in names:
            yield entry, subsection, name


def _credential_entries(entries: Iterable[Entry], url: str) -> list[Entry]:
    """Return the entries of ``helper``, ``useHttpPath`` and ``username`` that apply to a URL, in git's order."""
    have = address.partial(url)
    has_user = bool(have.user)
    target = address.normalize(address.compose(have))
    applying = []
    for entry, pattern, name in _settings(entries, "credential", "helper", "usehttppath", "username"):
        if pattern is not None:
            normal = address.normalize(pattern, pattern=True)
            if normal is None and not address.covers(address.partial(pattern), have):
                continue
            if normal is not None and (target is None or address.match(target, normal) is None):
                continue
        applying.append(entry)
        if name == "username" and entry.value is not None and not has_user:
            have = have._replace(user=entry.value)  # later patterns with a user match it, as in git
    return applying


def helpers_set(entries: Iterable[Entry], url: str) -> list[Helper]:
    """Return the helpers that are set for a URL, in git's order; an empty one clears those before it."""
    return [
        Helper(entry.value, entry, is_ours(entry.value))
        for entry in _credential_entries(entries, url)
        if entry.key.endswith(".helper") and entry.value is not None
    ]


def helpers_for(entries: Iterable[Entry], url: str) -> list[Helper]:
    """Return the helpers that git runs for a URL, in its order."""
    helpers = helpers_set(entries, url)
    last = max((at for at, helper in enumerate(helpers) if not helper.value), default=-1)
    return helpers[last + 1 :]


def use_http_path(entries: Iterable[Entry], url: str) -> bool:
    """Return whether git sends the path of this URL to helpers. Raise UsageError for a value that git rejects."""
    found = [
        as_bool(entry)
        for entry in _credential_entries(entries, url)
        if entry.key.lower().endswith(".usehttppath")
    ]
    return bool(found) and found[-1]


def entry_for(entries: Iterable[Entry], key: str, url: str) -> Entry | None:
    """Return the entry of ``key`` (such as ``http.proxy``) that ``git config --get-urlmatch`` finds for a URL, or None."""
    section, _, name = key.lower().partition(".")
    target = address.normalize(url)
    best, found = (0, 0, False), None
    for entry, pattern, _name in _settings(entries, section, name):
        normal = address.normalize(pattern, pattern=True) if pattern is not None else None
        rank = address.match(target, normal) if target and normal else None
        if pattern is None:
            rank = (0, 0, False)
        if rank is not None and rank >= best:
            best, found = rank, entry
    return found


def value_for(entries: Iterable[Entry], key: str, url: str) -> str | None:
    """Return the value of ``entry_for``; a key without ``=`` counts as ``true``; None if not set."""
    entry = entry_for(entries, key, url)
    return entry and ("true" if entry.value is None else entry.value)


def authorization_header(entries: Iterable[Entry], request: address.Partial) -> Entry | None:
    """Return the ``http.extraHeader`` with which git sends its own Authorization header for a request, or None.

    An empty value removes those before it. Any user matches, and any path when the request has none: git may not have
    sent them to the helper.
    """
    target = address.normalize(address.compose(request))
    found: Entry | None = None
    for entry, pattern, _name in _settings(entries, "http", "extraheader"):
        if pattern is not None:
            normal = address.normalize(pattern, pattern=True)
            if not normal or not target:
                continue
            have = target._replace(user=normal.user, path=target.path if request.path else normal.path)
            if address.match(have, normal) is None:
                continue
        if not entry.value:
            found = None
        elif entry.value.lower().startswith("authorization:"):
            found = entry
    return found


def as_bool(entry: Entry) -> bool:
    """Return a boolean as git parses it. Raise UsageError with key and file for a value that git rejects."""
    word = "true" if entry.value is None else entry.value.lower()
    if word in _BOOLEANS:
        return _BOOLEANS[word]
    number = _NUMBER.fullmatch(word)
    if number:
        digits, unit = number.groups()
        count = int(digits, 16 if "x" in digits else 8 if digits.lstrip("+-").startswith("0") else 10)
        if abs(count) << 10 * " kmg".index(unit or " ") <= _LARGEST:
            return count != 0
    raise UsageError(f"{entry.description} is not a boolean", hint=removal(entry))


def rewritten(entries: Iterable[Entry], url: str) -> str:
    """Return the URL that git uses instead of this one: the longest matching ``url.BASE.insteadOf`` prefix wins."""
    found = "", ""
    for entry, base, _name in _settings(entries, "url", "insteadof"):
        if base is not None and url.startswith(entry.value or "\0"):
            found = max(found, (entry.value or "", base), key=lambda each: len(each[0]))
    return found[1] + url[len(found[0]) :]


def remotes(entries: Iterable[Entry]) -> dict[str, str]:
    """Return the URL that git fetches from for each remote of the current repository, ``origin`` first."""
    entries = list(entries)
    found: dict[str, str] = {}
    for entry, name, _url in _settings(entries, "remote", "url"):
        if name and entry.value:
            found.setdefault(name, rewritten(entries, entry.value))
    return dict(sorted(found.items(), key=lambda each: each[0] != "origin"))


def escaped(value: str) -> str:
    """Return the ``git config`` pattern (an extended regular expression) that matches a text literally."""
    return re.sub(r"([][.{}()*+?^$|\\])", r"\\\1", value)


def location(entry: Entry) -> str:
    """Return where an entry is set, for a message."""
    is_command = entry.scope == "command"
    return "the environment or the command line of git" if is_command else f"{entry.origin} ({entry.scope})"


def removal(entry: Entry, *pattern: str) -> str:
    """Return the command that removes an entry from its file; with ``pattern``, only the values that match it."""
    if entry.has_user:
        return f"remove it from {location(entry)} by hand"
    if entry.scope == "command":
        return f"run git without -c {quote(entry.key)}, and {hints.unset('GIT_CONFIG_COUNT', 'GIT_CONFIG_PARAMETERS')}"
    own = {"local": "config", "worktree": "config.worktree"}.get(entry.scope)
    is_own = not os.path.isabs(entry.origin) and os.path.basename(entry.origin) == own
    where = [f"--{entry.scope}"] if is_own else ["--file", entry.origin]
    return hints.config_unset(where, entry.key, *pattern)
