"""The checks of ``doctor`` on this machine: program, PATH, git, its configuration, files and vaults; and what a check is.

Reads and tests, but must never prompt or repair. Only environment variables on an allow-list are named, and their values
are shown only if they cannot contain a secret.
"""

from __future__ import annotations

import compileall
import glob
import importlib.util
import os
import re
import shlex
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

from git_credential_azdo import __version__, hints, inherited, programs
from git_credential_azdo.accounts.accounts_file import AccountsFile
from git_credential_azdo.accounts.environment import PERSONAL_TOKEN, PIPELINE_TOKEN
from git_credential_azdo.accounts.update import leftovers
from git_credential_azdo.commands.explain import ANSWERS, NOT_SERVED, SILENT, add_server, explain, is_served
from git_credential_azdo.errors import AzdoError, VaultError
from git_credential_azdo.files import NAME, accounts_path, folder, vault_folder
from git_credential_azdo.git import config, helpers, network
from git_credential_azdo.git.address import holds_password, message_for, shown
from git_credential_azdo.git.target import LEGACY_SUFFIX, SERVICES_HOST, Organization
from git_credential_azdo.vault import vaults
from git_credential_azdo.writing import others_can_read

OK, WARN, FAIL = "ok", "warn", "FAIL"
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_LEAST_GIT, _MADE_FOR_GIT = (2, 26), (2, 30)  # 2.26: config --show-scope (git's Documentation/RelNotes)
_SINCE = (
    ((2, 41), "no wwwauth[] before git 2.41: one more request for each new organization"),
    ((2, 46), "no authtype and state before git 2.46"),
)
_SHOWN = re.compile(
    r"AZDO_(DEBUG|TIMEOUT|TRACE|YIELD)|CI|TF_BUILD|GIT_CONFIG_(GLOBAL|NOSYSTEM)|GIT_SSL_(CAINFO|CAPATH|NO_VERIFY)"
    r"|PYTHON(DONTWRITEBYTECODE|HOME|PATH|_KEYRING_BACKEND)|NO_PROXY|SSL_CERT_(DIR|FILE)|XDG_CONFIG_HOME",
    re.IGNORECASE,
)
_ADDRESSES = re.compile(r"(ALL|HTTPS?)_PROXY|SYSTEM_COLLECTIONURI", re.IGNORECASE)
_NAMED = re.compile(
    rf"{'|'.join(inherited.SECRETS)}|DBUS_SESSION_BUS_ADDRESS|(WAYLAND_)?DISPLAY|GIT_ASKPASS"
    r"|GIT_CONFIG_(COUNT|PARAMETERS)|SSH_CONNECTION"
)


class Check(NamedTuple):
    """One line: its subject, OK, WARN or FAIL, what was found, and the command that fixes it (may be empty)."""

    name: str
    state: str
    text: str
    hint: str = ""


def failed(name: str, error: AzdoError) -> Check:
    """Return the failed check for an error."""
    return Check(name, FAIL, error.message, error.hint or "")


def program() -> Iterator[Check]:
    """Return this program's version, Python's and the system's, and whether the package is compiled."""
    if sys.platform == "win32":
        system = "Windows {}.{}.{}".format(*sys.getwindowsversion())
    else:
        system = "{0} {2} {4}".format(*os.uname())
    yield Check(NAME, OK, f"{__version__}, Python {sys.version.split()[0]} at {sys.executable}, {system}")
    bare = len(uncompiled())
    text = f"modules that are not compiled: {bare or 'none'}"
    yield Check("bytecode", WARN if bare else OK, text, hints.compile_package(sys.executable, PACKAGE))


def path() -> Iterator[Check]:
    """Return whether a shell finds this program, exactly once, and PATH avoids the current folder."""
    for entry in inherited.dropped:
        text = f"{entry!r} leads into the current folder; git and shells may run programs from there"
        yield Check("PATH", WARN, text, hints.set_variables(f"PATH={os.environ.get('PATH', '')}"))
    found = list(programs.candidates(NAME))
    others = [each for each in found if os.path.realpath(each) != os.path.realpath(found[0])]
    if not found:
        yield Check("PATH", WARN, f"{NAME} is not on PATH", hints.ensure_path())
    elif others:
        text = f"several installations are on PATH; the first is run: {', '.join([found[0], *others])}"
        yield Check("PATH", WARN, text, hints.remove(*others))
    else:
        yield Check("PATH", OK, found[0])


def git() -> Iterator[Check]:
    """Return git's version, and what it lacks."""
    said = config.run_git(["--version"]).stdout.decode("utf-8", "replace")
    match = re.search(r"(\d+)\.(\d+)\S*", said)
    if not match:
        yield Check("git", FAIL, "git --version prints no version", hints.GIT_DOWNLOADS)
        return
    version = (int(match[1]), int(match[2]))
    found = [f"{match[0]} at {programs.find('git')}", *(lack for since, lack in _SINCE if version < since)]
    state = FAIL if version < _LEAST_GIT else WARN if version < _MADE_FOR_GIT else OK
    if state != OK:
        found.append(f"too old, {'.'.join(map(str, _MADE_FOR_GIT))} or later is needed")
    yield Check("git", state, "; ".join(found), hints.GIT_DOWNLOADS)


def git_config(url: str | None, accounts_file: AccountsFile) -> Iterator[Check]:
    """Return which helpers git asks for the addresses, which receive the token, and other settings that matter."""
    entries = config.read_config()
    urls = [url] if url else _addresses(accounts_file)
    for each in urls:
        yield from _helpers(entries, each, accounts_file)
        if holds_password(each):
            text = "contains a password, so git asks no helper"
            yield Check("address", WARN, text, hints.set_url(shown(each)))
    url = urls[0]
    if message_for(url).get("host") == SERVICES_HOST:
        with_path = config.use_http_path(entries, url)
        state = OK if with_path or len(accounts_file.accounts) <= 1 else WARN
        text = f"git {'sends' if with_path else 'does not send'} the organization to the helper"
        yield Check("useHttpPath", state, text, hints.configure())
    header = config.entry_for(entries, "http.extraheader", url)
    if header:
        text = f"{header.description}: a token in it is sent before any helper is asked"
        yield Check("git header", WARN, text, config.removal(header))
    verify = config.entry_for(entries, "http.sslVerify", url)
    cures = [config.removal(verify)] if verify and not config.as_bool(verify) else []
    cures += [hints.unset("GIT_SSL_NO_VERIFY")] if "GIT_SSL_NO_VERIFY" in os.environ else []
    if cures:
        text = "certificates are not verified: anyone between here and the server can read tokens"
        yield Check("git TLS", WARN, text, "; ".join(cures))
    keys = ("http.proxy", "http.sslCAInfo", "http.sslCAPath")
    values = [(key, config.value_for(entries, key, url)) for key in keys]
    settings = [f"{key}={hidden(value) or 'none'}" for key, value in values if value is not None]
    yield Check("git network", OK, ", ".join(settings) or "neither proxy nor certificates are set")
    for entry in network.ignored(entries):
        text = f"{entry} is used by git, but not by this program: a repository could have set it"
        yield Check("git network", WARN, text, hints.config_names())


def _addresses(accounts_file: AccountsFile) -> list[str]:
    """Return the addresses of a listed organization (of Azure DevOps Services: both), or of an example."""
    listed = (name for account in accounts_file.accounts for name in account.organizations)
    organization = next(listed, Organization("organization"))
    is_legacy = isinstance(organization, Organization)
    return [organization.url, *([f"https://{organization}{LEGACY_SUFFIX}"] if is_legacy else [])]


def _helpers(entries: list[config.Entry], url: str, accounts_file: AccountsFile) -> Iterator[Check]:
    name, label, others = "git helper", shown(url), helpers.others(entries, url)
    ours = next((helper for helper in config.helpers_for(entries, url) if helper.ours), None)
    if ours is None:
        text = f"git does not call this helper for {label}"
        if not is_served(url, accounts_file):
            yield Check(name, WARN, f"{text}: {NOT_SERVED}", add_server(url))
            return
        why = f": {others.reset.description}" if others.reset else ""
        yield Check(name, FAIL, text + why, others.reset.hint if others.reset else hints.configure())
    elif found := _program_of(ours):
        order = "later" if others.before else "first"
        yield Check(name, OK, f"{label}: git asks {found} {order}, set in {config.location(ours.entry)}")
    else:
        text = f"{label}: the program that git would run does not exist, set in {config.location(ours.entry)}"
        yield Check(name, FAIL, text, hints.configure())
    for other in dict.fromkeys([*others.before, *others.receiving]):
        is_first = other in others.before
        text = f"{label}: git {'first asks' if is_first else 'also gives the token to'} {other.description}"
        yield Check(name, FAIL if ours and is_first else WARN, text, other.hint)


def _program_of(helper: config.Helper) -> str | None:
    """Return the path of the program that git would start for one of our helper entries."""
    try:
        words = shlex.split(helper.command)
    except ValueError:
        return None
    named = (word for word in words if os.path.basename(word).removesuffix(".exe") == NAME)
    return programs.which(next(named, NAME if words[:1] == ["git"] else next(iter(words), "")))


def choice(url: str | None, accounts_file: AccountsFile) -> Iterator[Check]:
    """Return which account serves the address, the current repository, or a listed organization, as ``explain`` does."""
    if url is None:
        urls = config.remotes(config.read_config()).values()
        here = [each for each in urls if is_served(each, accounts_file)]
        if not here and not accounts_file.accounts:
            return
        url = [*here, *_addresses(accounts_file)][0]
    found = explain(url, accounts_file)
    silent = FAIL if found["candidates"] else WARN if found["hint"] else OK
    state = {ANSWERS: OK, SILENT: silent}.get(str(found["result"]), FAIL)
    text = f"{shown(url)}: {found['account'] or 'no account'} ({found['reason']}); result: {found['result']}"
    yield Check("choice", state, text, str(found["hint"] or ""))


def environment() -> Iterator[Check]:
    """Return which of the variables that matter are set, and what a token among them does."""
    found = []
    for name, value in sorted(os.environ.items()):
        if _SHOWN.fullmatch(name):
            found.append(f"{name}={value}")
        elif _ADDRESSES.fullmatch(name):
            found.append(f"{name}={hidden(value)}")
        elif value and _NAMED.fullmatch(name):
            found.append(f"{name} is set")
    yield Check("environment", OK, ", ".join(found) or "no variable that matters here is set")
    for name, at_home, text in (
        (PERSONAL_TOKEN, ("TF_BUILD", "CI"), "is used for every organization without an account"),
        (PIPELINE_TOKEN, ("TF_BUILD",), "is ignored without TF_BUILD"),
    ):
        if os.environ.get(name) and not any(map(os.environ.get, at_home)):
            yield Check("token variable", WARN, f"{name} {text}", hints.unset(name))
    added = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if added != [""]:
        text = "is set: this program uses nothing of it, but Python runs a sitecustomize.py from it first"
        if is_unsafe := inherited.outside(added) != added:
            text += ", also from the current folder: it has an empty or relative entry"
        yield Check("PYTHONPATH", WARN if is_unsafe else OK, text, hints.unset("PYTHONPATH"))


def hidden(address: str) -> str:
    """Return a proxy's address, in any form, without its user and password."""
    before, at, after = address.rpartition("@")  # a password may contain slashes
    scheme, separator, _ = before.partition("://")
    return f"{scheme + separator if separator else ''}***@{after}" if at else address


def vaults_in_use(accounts_file: AccountsFile) -> Iterator[Check]:
    """Return whether an entry can be written, read and deleted in each vault in use."""
    names = {entry.vault for entry in accounts_file.entries} | {accounts_file.header.get("vault")}
    names -= {"", vaults.NONE}
    if not names:
        try:
            yield Check("vault", OK, f"{vaults.find(None)} works; no secret is stored yet")
        except VaultError as error:
            yield failed("vault", error)._replace(state=WARN)
    for name in sorted(names):
        began = time.monotonic()
        try:
            vaults.self_test(name)
        except VaultError as error:
            yield failed("vault", error)
            continue
        took = f"{(time.monotonic() - began) * 1000:.0f} ms"
        yield Check("vault", OK, f"{name}: wrote, read and deleted an entry in {took}")
    if vaults.FILE in names:
        yield from _permissions("vault", vault_folder(), "secrets", FAIL)
    for identifier, left in leftovers().items():
        text = f"{left[0][0]}: secrets of {identifier}, which no account has: {len(left)}"
        yield Check("vault", WARN, text, hints.logout(identifier))


def file() -> Iterator[Check]:
    """Return how much the accounts file lists, what of it is damaged, and whether others can read it. Raise AzdoError."""
    name, path, accounts_file = "accounts file", accounts_path(), AccountsFile.load()
    if not os.path.exists(path):
        yield Check(name, OK, f"{path} does not exist yet")
        return
    accounts, stored = len(accounts_file.accounts), len(accounts_file.stored_credentials)
    listed = f"accounts: {accounts}, stored credentials: {stored}, servers: {len(accounts_file.servers)}"
    yield Check(name, OK, f"{path}, version {accounts_file.header.get('version') or 'unknown'}, {listed}")
    if accounts_file.damaged:
        text = f"damaged entries (not key=value), which are ignored: {len(accounts_file.damaged)}"
        yield Check(name, FAIL, text, hints.edit(path))
    if os.path.exists(f"{path}.damaged"):
        text = f"damaged entries were moved to {path}.damaged; delete it when you have read it"
        yield Check(name, WARN, text, hints.remove(f"{path}.damaged"))
    yield from _permissions(name, folder(), "names of accounts", WARN)


def _permissions(name: str, top: str, what: str, state: str) -> Iterator[Check]:
    if others_can_read(top):
        yield Check(name, state, f"other users can read {top}: {what}", hints.private(top))


def uncompiled() -> list[str]:
    """Return the paths of the package's modules for which this interpreter finds no compiled bytecode."""
    modules = glob.glob(os.path.join(glob.escape(PACKAGE), "**", "*.py"), recursive=True)
    return [path for path in modules if not os.path.exists(importlib.util.cache_from_source(path))]


def compile_package() -> None:
    """Compile the package if it is writable: an installer that leaves this out doubles the cost of every ``get``."""
    if os.access(PACKAGE, os.W_OK):
        compileall.compile_dir(PACKAGE, quiet=2)
