"""git's configuration, read: which credential helpers git would run for a URL, and where each is set.

Only reads, by one ``git config --list``; configure.py writes. It computes what git's credential.c does, so it
can be asked about any URL without running a helper (gitcredentials(7), git-config(1); tests compare it with
real git). Slow path only: ``get``, ``store`` and ``erase`` never start git.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from typing import NamedTuple

from git_credential_azdo.errors import UsageError
from git_credential_azdo.git import urlmatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SECONDS = 20.0
_USER_INFO = re.compile(r"//[^/@]*@")
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
    """One line of git's configuration, in git's order: the later of two overrides.

    ``scope`` is system, global, local, worktree or command; ``origin`` the file's path as git names it (relative
    ones to the top of the work tree), or ``command line``; ``key`` as git prints it (section and name in lower
    case, the URL between them as written); ``value`` is None for a key without ``=``.
    """

    scope: str
    origin: str
    key: str
    value: str | None


class Helper(NamedTuple):
    """One credential helper git would run: ``value`` as set in ``entry``, ``ours`` if it is this program."""

    value: str
    entry: Entry
    ours: bool

    @property
    def runs(self) -> str:
        """The shell command git makes of it (``get``, ``store`` or ``erase`` follow); may hold a person's secret."""
        if self.value.startswith("!"):
            return self.value[1:]
        if re.match(r"/|[A-Za-z]:|\\", self.value):
            return self.value
        return f"git credential-{self.value}"


class Other(NamedTuple):
    """Another helper in our way: what and where it is, in words, and the command that ends it."""

    helper: Helper
    said: str
    cure: str


class Others(NamedTuple):
    """Who else is asked about a URL.

    ``before``: helpers that answer before ours (all of them, where ours is not configured). ``receiving``: those
    that git hands our token to after it worked (every other one, where ours is configured). ``reset``: the
    entry whose empty value took ours out of the list, and its cure, if that is why ours is not in it.
    """

    before: list[Other]
    receiving: list[Other]
    reset: Other | None


def run_git(
    arguments: Sequence[str],
    *,
    git: str = "git",
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run git with these arguments, English messages, no questions and a time limit.

    ``env`` replaces the inherited environment. Raises ``UsageError`` if git is missing or does not end in time.
    """
    full = {
        **(os.environ if env is None else env),
        "LC_ALL": "C",
        "LANGUAGE": "C",
        "GIT_TERMINAL_PROMPT": "0",
    }
    try:
        return subprocess.run(
            [git, *arguments],
            cwd=cwd,
            env=full,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        if cwd is not None and not os.path.isdir(cwd):
            raise UsageError(f"there is no folder {cwd}") from None
        raise UsageError("git was not found on PATH", hint="https://git-scm.com/downloads") from None
    except OSError as error:
        raise UsageError(f"git could not be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"git did not answer within {_SECONDS:.0f} seconds: {arguments[0]}") from None


def read_config(
    git: str = "git", cwd: str | None = None, env: Mapping[str, str] | None = None
) -> list[Entry]:
    """Read every entry that git sees in ``cwd`` (inside a repository or not), in git's own order.

    Raises ``UsageError`` if git is missing, older than 2.26, or refuses its own configuration.
    """
    done = run_git(["config", "--list", "-z", "--show-origin", "--show-scope"], git=git, cwd=cwd, env=env)
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").splitlines() or ["no reason given"]
        if any("show-scope" in line for line in lines):
            raise UsageError("this git is older than 2.26", hint="https://git-scm.com/downloads")
        reason = lines[-1].removeprefix("fatal: ").removeprefix("error: ")
        raise UsageError(
            f"git cannot read its configuration: {reason}", hint="git config --list --show-origin"
        )
    return parse_list(done.stdout)


def parse_list(output: bytes) -> list[Entry]:
    """Parse what ``git config --list -z --show-origin --show-scope`` prints."""
    fields = output.decode("utf-8", "surrogateescape").split("\0")[:-1]
    entries = []
    for scope, origin, line in zip(fields[0::3], fields[1::3], fields[2::3], strict=True):
        key, newline, value = line.partition("\n")
        entries.append(Entry(scope, origin.removeprefix("file:"), key, value if newline else None))
    return entries


def split_key(key: str) -> tuple[str, str | None, str]:
    """Split ``section.subsection.name``: the subsection may hold dots, or be absent (None); the rest ignores case."""
    section, _, rest = key.partition(".")
    subsection, dot, name = rest.rpartition(".")
    return section.lower(), subsection if dot else None, name.lower()


def is_ours(value: str) -> bool:
    """Say whether a helper's value runs this program, in any of the ways to write that."""
    return bool(_OURS.match(value))


def helpers_for(entries: Iterable[Entry], url: str) -> list[Helper]:
    """List the helpers git runs for a URL, first asked first."""
    helpers: list[Helper] = []
    for entry in _credential_entries(entries, url):
        if split_key(entry.key)[2] != "helper" or entry.value is None:
            continue
        if entry.value:
            helpers.append(Helper(entry.value, entry, is_ours(entry.value)))
        else:
            helpers.clear()
    return helpers


def use_http_path(entries: Iterable[Entry], url: str) -> bool:
    """Say whether git tells helpers the path of this URL."""
    found = False
    for entry in _credential_entries(entries, url):
        if split_key(entry.key)[2] == "usehttppath":
            found = as_bool(entry.value)
    return found


def value_for(entries: Iterable[Entry], key: str, url: str) -> str | None:
    """Give the value of ``key`` (such as ``http.proxy``) for a URL, as ``git config --get-urlmatch`` does.

    The most specific URL wins, the later of equals; a key without ``=`` counts as ``true``; None if not set.
    """
    section, _, name = key.lower().rpartition(".")
    target = urlmatch.normalize(url)
    best: tuple[urlmatch.Rank, str | None] | None = None
    for entry in entries:
        own_section, pattern, own_name = split_key(entry.key)
        if (own_section, own_name) != (section, name):
            continue
        rank: urlmatch.Rank | None = urlmatch.ANY_URL
        if pattern is not None:
            normal = urlmatch.normalize(pattern, pattern=True)
            rank = urlmatch.match(target, normal) if target and normal else None
        if rank is not None and (best is None or rank >= best[0]):
            best = rank, entry.value
    if best is None:
        return None
    return "true" if best[1] is None else best[1]


def as_bool(value: str | None) -> bool:
    """Read a boolean as git does; what git would refuse counts as false."""
    if value is None or value.lower() in ("true", "yes", "on"):
        return True
    number = re.fullmatch(r"\s*([+-]?[0-9]+)[kmgKMG]?", value)
    return bool(number and int(number[1]))


def _credential_entries(entries: Iterable[Entry], url: str) -> list[Entry]:
    """Give the ``credential.*`` entries that apply to a URL, in git's order."""
    have = urlmatch.partial(url)
    target = urlmatch.normalize(urlmatch.compose(have))
    applying = []
    for entry in entries:
        section, pattern, name = split_key(entry.key)
        if section != "credential":
            continue
        if pattern is not None:
            normal = urlmatch.normalize(pattern, pattern=True)
            if normal is None and not urlmatch.covers(urlmatch.partial(pattern), have):
                continue
            if normal is not None and (target is None or urlmatch.match(target, normal) is None):
                continue
        applying.append(entry)
        if name == "username" and entry.value is not None and not urlmatch.partial(url).user:
            have = have._replace(user=entry.value)  # later patterns with a user see it, as in git
    return applying


def others(entries: Iterable[Entry], url: str) -> Others:
    """Name every other helper that would answer before ours or receive our token for a URL."""
    entries = list(entries)
    helpers = helpers_for(entries, url)
    foreign = [_other(helper) for helper in helpers if not helper.ours]
    first = next((at for at, helper in enumerate(helpers) if helper.ours), None)
    if first is None:
        return Others(foreign, [], _reset(entries, url))
    return Others([_other(helper) for helper in helpers[:first]], foreign, None)


def _reset(entries: Iterable[Entry], url: str) -> Other | None:
    """Find the empty value that last took ours out of the list."""
    ours, found = False, None
    for entry in _credential_entries(entries, url):
        if split_key(entry.key)[2] != "helper":
            continue
        if entry.value:
            ours = ours or is_ours(entry.value)
        elif ours:
            ours, found = False, _other(Helper("", entry, ours=False))
    return found


def _other(helper: Helper) -> Other:
    """Describe a helper that is in our way, without its arguments: people write passwords there."""
    entry = helper.entry
    name = "an empty helper, which ends the list before it"
    if helper.value:
        name = "a shell command" if helper.value.startswith("!") else _word(helper.value)
    key = _USER_INFO.sub("//", entry.key)  # people write passwords there, too
    cure = _cure(entry, helper.value) if key == entry.key else f"take it out of {place(entry)} by hand"
    return Other(helper, f"{name}, set by {key} in {place(entry)}", cure)


def _word(value: str) -> str:
    """Give the first word of a helper: the program, without its arguments."""
    return (value.split(maxsplit=1) or [value])[0]


def place(entry: Entry) -> str:
    """Say where an entry is set, for people."""
    if entry.scope == "command":
        return "the environment or the command line of git"
    return f"{entry.origin} ({entry.scope})"


def _cure(entry: Entry, value: str) -> str:
    """Give the command that takes an entry out of our way."""
    if entry.scope in ("system", "global"):
        return "git credential-azdo setup"
    if entry.scope == "command":
        return f"run git without -c {entry.key}, and unset GIT_CONFIG_COUNT and GIT_CONFIG_PARAMETERS"
    own = {"local": "config", "worktree": "config.worktree"}.get(entry.scope)
    relative = not os.path.isabs(entry.origin)
    where = (
        [f"--{entry.scope}"]
        if relative and os.path.basename(entry.origin) == own
        else ["--file", entry.origin]
    )
    word = re.sub(r"([][.{}()*+?^$|\\])", r"\\\1", _word(value)) if value else "$"
    pattern = "^!" if value.startswith("!") else f"^{word}"
    return shlex.join(["git", "config", *where, "--unset-all", entry.key, pattern])
