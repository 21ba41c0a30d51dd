"""git's other credential helpers: which of them git runs besides ours, and what one of them returns for ``get``.

Must never run a helper that a repository configured. git itself runs each helper, in the home folder, limited in time
and output, without prompts; a credential for a host other than the requested one is refused. Protocol:
gitcredentials(7), git-credential(1); the file of ``store``: git-credential-store(1), "STORAGE FORMAT".
"""

from __future__ import annotations

import itertools
import os
import shlex
from collections.abc import Iterable
from typing import NamedTuple

from git_credential_azdo import hints, programs
from git_credential_azdo.errors import AzdoError, ProtocolError, looks_like_token, say
from git_credential_azdo.files import MAX_BYTES as MAX_FILE_BYTES
from git_credential_azdo.files import read_file
from git_credential_azdo.git.address import https_for_ssh, message_for
from git_credential_azdo.git.config import (
    Entry,
    Helper,
    escaped,
    helpers_for,
    helpers_set,
    is_ours,
    removal,
    split_key,
)
from git_credential_azdo.git.edit import expanded, home, usual_files
from git_credential_azdo.git.protocol import Message, Pair, format_pairs, parse
from git_credential_azdo.git.target import LEGACY_SUFFIX, SERVICES_ADDRESS, SERVICES_HOST

Request = tuple[Pair, ...]
SECONDS = 20.0
"""The time limit for one helper, which may have to open a keyring first."""
MAX_BYTES = 65_536
_ALIAS = "azdo-ask"
_BINDING = "azrepos:org/"
"""As in ``credential.azrepos:org/ORGANIZATION.username`` (Git Credential Manager's docs/azrepos-users-and-tokens.md)."""
_LONGEST = 4_096
# With these a helper could prompt or read the current repository.
_DROPPED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GPG_TTY")
_QUIET = {"GCM_INTERACTIVE": "never", "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": ""}


class Other(NamedTuple):
    """Another helper. ``description``: what it is and where it is set. ``hint``: the command that removes it."""

    helper: Helper
    description: str
    hint: str


class Others(NamedTuple):
    """The other helpers that git runs for a URL.

    ``before``: those run before ours; all if ours is not configured. ``receiving``: those to which git sends our token
    with ``store``; all if ours is configured. ``reset``: the empty value that removed ours from the list, if one did.
    """

    before: list[Other]
    receiving: list[Other]
    reset: Other | None


def others(entries: Iterable[Entry], url: str) -> Others:
    """Return the other helpers that git runs for a URL."""
    helpers: list[Helper] = []
    reset = None
    for helper in helpers_set(entries, url):
        if helper.value:
            helpers.append(helper)
        else:
            reset = _other(helper) if any(each.ours for each in helpers) else reset
            helpers.clear()
    foreign = [_other(helper) for helper in helpers if not helper.ours]
    first = next((at for at, helper in enumerate(helpers) if helper.ours), None)
    return Others(foreign, [], reset) if first is None else Others(foreign[:first], foreign, None)


def _other(helper: Helper) -> Other:
    """Return the description of a helper, without its arguments, which may contain passwords."""
    entry, word = helper.entry, (helper.value.split(maxsplit=1) or [helper.value])[0]
    name, pattern = word, f"^{escaped(word)}"
    if not word:
        name, pattern = "an empty helper, which clears the list before it", "^$"
    elif word.startswith("!"):
        name, pattern = "a shell command", "^!"
    is_wide = entry.scope in ("system", "global") and not entry.has_user
    hint = hints.configure() if is_wide else removal(entry, pattern)
    return Other(helper, f"{name}, set by {entry.description}", hint)


def configured(entries: Iterable[Entry], urls: Iterable[str]) -> list[Helper]:
    """Return the trusted helpers that git would run for any of the URLs if ours were not configured.

    Includes git's ``store`` if one of its default files exists.
    """
    own = _without_ours(entries)
    found = {helper.value: helper for url in urls for helper in helpers_for(own, url) if not helper.ours}
    if any(os.path.exists(path) for path in _store_files([])):
        own_store = Helper("store", Entry("global", "", "credential.helper", "store"), ours=False)
        found.setdefault("store", own_store)
    return list(found.values())


def _without_ours(entries: Iterable[Entry]) -> list[Entry]:
    """Return the trusted entries without our helper and the empty one before it."""
    others: list[Entry] = []
    following: dict[str, str | None] = {}  # for each ``helper`` key, the value of its next entry
    for entry in reversed([each for each in entries if each.trusted]):
        if split_key(entry.key)[2] == "helper":
            after = following.get(entry.key)
            following[entry.key] = entry.value
            if is_ours(entry.value or "") or (entry.value == "" and is_ours(after or "")):
                continue
        others.append(entry)
    return others[::-1]


def name_of(helper: Helper) -> str:
    """Return the helper's name as in git's documentation (``store``), without arguments, which may be secrets."""
    if helper.value.startswith("!"):
        return "a shell command"
    words = _words(helper.value) or [""]
    return os.path.basename(words[0].replace("\\", "/")).removeprefix("git-credential-").removesuffix(".exe")


def request(protocol: str, host: str | None, path: str | None = None, user: str | None = None) -> Request:
    """Return the message for a helper, without values that git would not send and without a user that is a token."""
    named = None if user and looks_like_token(user) else user
    pairs = (("protocol", protocol), ("host", host), ("path", path), ("username", named))
    return tuple(
        (key, value) for key, value in pairs if value and value.isprintable() and len(value) < _LONGEST
    )


def likely_requests(url: str) -> list[Request]:
    """Return the messages for which other helpers may have a credential for the URL of an organization or a server.

    With the path: Git Credential Manager, and what git stored with useHttpPath. With the user: what git stored without
    it for the clone URL that Azure DevOps shows (``https://ORG@dev.azure.com``). Last, with the host only: other URLs.
    """
    protocol, _, rest = url.partition("://")
    host, _, name = rest.partition("/")
    requests = [request(protocol, host, name), request(protocol, host, user=name), request(protocol, host)]
    if host == SERVICES_HOST:
        requests.insert(2, request(protocol, name + LEGACY_SUFFIX))
    return requests


def ask(helper: Helper, asked: Request, seconds: float) -> Message:
    """Return what the helper prints for ``get``, an empty message for nothing, within ``seconds`` (at most SECONDS).

    Raise AzdoError when it takes too long, prints no credential or one for another host; programs.ProgramError.
    """
    who = f"the credential helper {name_of(helper)}"
    try:
        done = programs.run(
            ["git", "-c", f"alias.{_ALIAS}=!{helper.command}", _ALIAS, "get"],
            max(0.0, min(SECONDS, seconds)),
            stdin=format_pairs(asked),
            cwd=home(),
            environment=_environment(),
        )
        answer = parse(done.stdout[:MAX_BYTES])
    except (ProtocolError, programs.Stopped) as error:
        is_late = isinstance(error, programs.Stopped) and not error.is_too_long
        problem = "did not respond in time" if is_late else "printed something other than a credential"
        raise AzdoError(f"{who} {problem}") from None
    protocol_and_host = asked[:2]
    if any((answer.get(key) or value).lower() != value.lower() for key, value in protocol_and_host):
        raise AzdoError(f"{who} returned a credential for another host")
    return answer if answer.get("quit") in {None, "", "0", "false"} else Message([])


def fill(asked: Request) -> Message:
    """Return what git's helpers together have for a request, without a prompt. Raise programs.ProgramError."""
    words = ["git", "-c", "core.askPass=", "-c", "credential.interactive=false", "credential", "fill"]
    done = programs.run(words, SECONDS, stdin=format_pairs(asked), cwd=home(), environment=_environment())
    return Message([]) if done.returncode else parse(done.stdout[:MAX_BYTES])


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _DROPPED} | _QUIET


def addresses(entries: Iterable[Entry]) -> list[str]:
    """Return the URLs of a repository's remotes, and of the organizations in Git Credential Manager's bindings."""
    found = []
    for entry in entries:
        section, middle, key = split_key(entry.key)
        if section == "remote" and key in {"url", "pushurl"} and entry.value:
            found.append(https_for_ssh(entry.value) or entry.value)
        elif section == "credential" and middle and middle.startswith(_BINDING):
            found.append(f"{SERVICES_ADDRESS}/{middle.removeprefix(_BINDING)}")
    return found


def stored_addresses(helpers: Iterable[Helper]) -> list[Message]:
    """Return the URLs in the files of git's ``store`` helper, without passwords; report files that cannot be read."""
    found = []
    for path in _store_files(helpers):
        try:
            text = read_file(path, MAX_FILE_BYTES).decode("utf-8", "surrogateescape")
        except FileNotFoundError:
            continue
        except OSError as error:
            say("error", f"cannot read {path}: {error.strerror}")
            continue
        found += [message_for(line) for line in text.splitlines() if "://" in line]
    return found


def _store_files(helpers: Iterable[Helper]) -> list[str]:
    in_home, below_xdg = (os.path.dirname(path) for path in usual_files())
    files = [os.path.join(in_home, ".git-credentials"), os.path.join(below_xdg, "credentials")]
    for helper in helpers:
        words = _words(helper.value) if name_of(helper) == "store" else []
        named = [word.partition("=")[2] for word in words if word.startswith("--file=")]
        named += [after for word, after in itertools.pairwise(words) if word == "--file"]
        files += [expanded(path) for path in named]
    return list(dict.fromkeys(files))


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return []
