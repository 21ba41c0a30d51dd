"""git's other credential helpers: which are in our way, which a person has configured, and what one answers to ``get``.

To be asked, only the system's, the person's own and the command line's configuration counts: a repository must never choose a
program that runs here. Each helper is run by git's own shell, as git runs it, from the home folder, bounded in time and
in what it prints; it is asked to show no prompt. What it answers is believed only for the host it was asked about.
Protocol: gitcredentials(7), git-credential(1); the file of ``store``: git-credential-store(1), "STORAGE FORMAT".
"""

from __future__ import annotations

import itertools
import os
import shlex
from typing import TYPE_CHECKING, NamedTuple

from git_credential_azdo import hints, programs
from git_credential_azdo.errors import AzdoError, ProtocolError, say
from git_credential_azdo.files import MOST_BYTES as MOST_FILE_BYTES
from git_credential_azdo.files import read_file
from git_credential_azdo.git.address import https_for_ssh, message_for
from git_credential_azdo.git.config import (
    Entry,
    Helper,
    credential_entries,
    escaped,
    helpers_for,
    is_ours,
    removal,
    split_key,
)
from git_credential_azdo.git.protocol import Message, format_pairs, parse
from git_credential_azdo.git.target import SERVICES_ADDRESS, looks_like_token
from git_credential_azdo.hosts import LEGACY_SUFFIX, SERVICES_HOST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_credential_azdo.git.protocol import Pair

    Request = tuple[Pair, ...]

SECONDS = 20.0
"""How long one helper may take for one answer: it may have to open a keyring first."""
MOST_BYTES = 65_536
_ALIAS = "azdo-ask"
_BINDING = "azrepos:org/"
_LONGEST = 4_096
# What would let a helper ask a person, or look into the repository we stand in.
_DROPPED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GPG_TTY")
_QUIET = {"GCM_INTERACTIVE": "never", "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": ""}


class Other(NamedTuple):
    """Another helper in our way: what and where it is, in words, and the command that ends it."""

    helper: Helper
    said: str
    cure: str


class Others(NamedTuple):
    """Who else is asked about a URL.

    ``before``: helpers that answer before ours (all of them, where ours is not configured). ``receiving``: those
    that git passes our token to after it worked (every other one, where ours is configured). ``reset``: the
    entry whose empty value took ours out of the list, and its cure, if that is why ours is not in it.
    """

    before: list[Other]
    receiving: list[Other]
    reset: Other | None


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
    for entry in credential_entries(entries, url):
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
    word = escaped(_word(helper.value)) if helper.value else "$"
    cure = removal(entry, "^!" if helper.value.startswith("!") else f"^{word}")
    if entry.scope in ("system", "global") and not entry.has_user:
        cure = hints.configure()
    return Other(helper, f"{name}, set by {entry.said}", cure)


def _word(value: str) -> str:
    """Return the first word of a helper: the program, without its arguments."""
    return (value.split(maxsplit=1) or [value])[0]


def configured(entries: Iterable[Entry], urls: Iterable[str]) -> list[Helper]:
    """Return the helpers, each once, that git would run for any of the URLs if we were not there.

    Only those of the system, of the person and of the command line; git's ``store``, too, where it has a file.
    """
    own = _without_ours(entries)
    found = {helper.value: helper for url in urls for helper in helpers_for(own, url) if not helper.ours}
    if any(os.path.exists(path) for path in _store_files([])):
        found.setdefault(
            "store", Helper("store", Entry("global", "", "credential.helper", "store"), ours=False)
        )
    return list(found.values())


def _without_ours(entries: Iterable[Entry]) -> list[Entry]:
    """Return a person's own entries as they would be without us: neither our helper nor the empty one before it."""
    in_force: list[Entry] = []
    following: dict[str, str | None] = {}  # the value that each helper's key has next
    for entry in reversed([each for each in entries if each.own]):
        if split_key(entry.key)[2] == "helper":
            after = following.get(entry.key)
            following[entry.key] = entry.value
            if is_ours(entry.value or "") or (entry.value == "" and is_ours(after or "")):
                continue
        in_force.append(entry)
    return in_force[::-1]


def name_of(helper: Helper) -> str:
    """Return how git's pages name the helper (``store``, ``manager``), without its arguments: they may be secrets."""
    if helper.value.startswith("!"):
        return "a shell command"
    words = _words(helper.value) or [""]
    return os.path.basename(words[0].replace("\\", "/")).removeprefix("git-credential-").removesuffix(".exe")


def request(protocol: str, host: str | None, path: str | None = None, user: str | None = None) -> Request:
    """Return what a helper is asked, without a token in the user's place, and without what git would not pass on."""
    named = None if user and looks_like_token(user) else user
    pairs = (("protocol", protocol), ("host", host), ("path", path), ("username", named))
    return tuple(
        (key, value) for key, value in pairs if value and value.isprintable() and len(value) < _LONGEST
    )


def likely_requests(url: str) -> list[Request]:
    """Return what helpers of each kind know an organization or a server by, from its address.

    By path: Git Credential Manager, and what git stored with useHttpPath; by user: what git stored without it for the
    address that Azure DevOps shows (``https://ORG@dev.azure.com``); by host, the last: what it stored for any other one.
    """
    protocol, _, rest = url.partition("://")
    host, _, name = rest.partition("/")
    requests = [request(protocol, host, name), request(protocol, host, user=name), request(protocol, host)]
    if host == SERVICES_HOST:
        requests.insert(2, request(protocol, name + LEGACY_SUFFIX))
    return requests


def ask(helper: Helper, asked: Request, seconds: float) -> Message:
    """Return what the helper answers within ``seconds``, and SECONDS; an empty message when it knows nothing.

    Raise AzdoError when it takes too long, prints something else than a credential, or answers for another host.
    """
    who = f"the credential helper {name_of(helper)}"
    try:
        done = programs.run(
            ["git", "-c", f"alias.{_ALIAS}=!{helper.runs}", _ALIAS, "get"],
            max(0.0, min(SECONDS, seconds)),
            stdin=format_pairs(asked),
            cwd=os.path.expanduser("~"),
            environment={name: value for name, value in os.environ.items() if name not in _DROPPED} | _QUIET,
        )
        answer = parse(done.stdout[:MOST_BYTES])
    except (ProtocolError, programs.Stopped) as error:
        is_late = isinstance(error, programs.Stopped) and not error.is_too_long
        problem = "did not answer in time" if is_late else "printed something else than a credential"
        raise AzdoError(f"{who} {problem}") from None
    protocol_and_host = asked[:2]
    if any((answer.get(key) or value).lower() != value.lower() for key, value in protocol_and_host):
        raise AzdoError(f"{who} answered for another host than it was asked about")
    return answer if answer.get("quit") in {None, "", "0", "false"} else Message([])


def addresses(entries: Iterable[Entry]) -> list[str]:
    """Return the addresses of a repository's remotes, and of the organizations that Git Credential Manager bound.

    Its setting is ``credential.azrepos:org/ORGANIZATION.username`` (git-credential-manager: docs/azrepos-users-and-tokens.md).
    """
    found = []
    for entry in entries:
        section, middle, key = split_key(entry.key)
        if section == "remote" and key in {"url", "pushurl"} and entry.value:
            found.append(https_for_ssh(entry.value) or entry.value)
        elif section == "credential" and middle and middle.startswith(_BINDING):
            found.append(f"{SERVICES_ADDRESS}/{middle.removeprefix(_BINDING)}")
    return found


def stored_addresses(helpers: Iterable[Helper]) -> list[Message]:
    """Return the addresses in the files of git's helper ``store``, without passwords; say which cannot be read."""
    found = []
    for path in _store_files(helpers):
        try:
            text = read_file(path, MOST_FILE_BYTES).decode("utf-8", "surrogateescape")
        except FileNotFoundError:
            continue
        except OSError as error:
            say("error", f"cannot read {path}: {error.strerror}")
            continue
        found += [message_for(line) for line in text.splitlines() if "://" in line]
    return found


def _store_files(helpers: Iterable[Helper]) -> list[str]:
    home = os.path.expanduser("~")
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    files = [os.path.join(home, ".git-credentials"), os.path.join(base, "git", "credentials")]
    for helper in helpers:
        words = _words(helper.value) if name_of(helper) == "store" else []
        named = [word.partition("=")[2] for word in words if word.startswith("--file=")]
        named += [after for word, after in itertools.pairwise(words) if word == "--file"]
        files += [os.path.expanduser(path) for path in named]
    return list(dict.fromkeys(files))


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return []
