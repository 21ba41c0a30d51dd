"""``doctor`` on this machine: this program, PATH, git and its configuration, the environment.

Of the environment only the variables of an allow-list are named, and shown only where they cannot hold a secret.
What each version of git lacks: git's Documentation/RelNotes (2.26 config --show-scope, 2.41 wwwauth[], 2.46 authtype and state).
"""

from __future__ import annotations

import compileall
import glob
import importlib.util
import os
import re
import shlex
import sys
from typing import TYPE_CHECKING

import git_credential_azdo
from git_credential_azdo import hints, inherited, programs
from git_credential_azdo.accounts.environment import PERSONAL_TOKEN, PIPELINE_TOKEN
from git_credential_azdo.commands.doctor_check import FAIL, OK, WARN, Check, hidden
from git_credential_azdo.commands.explain import ANSWERS, NOT_SERVED, SILENT, add_server, explain, is_served
from git_credential_azdo.git import config, helpers, network
from git_credential_azdo.git.address import holds_password, message_for, remotes, shown
from git_credential_azdo.git.sections import PROGRAM
from git_credential_azdo.git.target import Organization
from git_credential_azdo.hosts import LEGACY_SUFFIX, SERVICES_HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_credential_azdo.accounts.accounts_file import AccountsFile

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_LEAST_GIT, _MADE_FOR_GIT = (2, 26), (2, 30)
_SINCE = (
    ((2, 41), "no wwwauth[] before git 2.41: one more request for each new organization"),
    ((2, 46), "no authtype and state before git 2.46"),
)
_SHOWN = frozenset(
    {
        "AZDO_DEBUG",
        "AZDO_TIMEOUT",
        "AZDO_YIELD",
        "CI",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
        "GIT_SSL_NO_VERIFY",
        "NO_PROXY",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHON_KEYRING_BACKEND",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TF_BUILD",
        "XDG_CONFIG_HOME",
    }
)
_ADDRESSES = frozenset({"ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "SYSTEM_COLLECTIONURI"})
_NAMED = frozenset(
    {
        "AZURE_DEVOPS_EXT_PAT",
        "DBUS_SESSION_BUS_ADDRESS",
        "DISPLAY",
        "GIT_ASKPASS",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_PARAMETERS",
        "SSH_CONNECTION",
        "SYSTEM_ACCESSTOKEN",
        "WAYLAND_DISPLAY",
    }
)


def program() -> Iterator[Check]:
    """Return this program's version, Python's and the system's, and whether the package is compiled."""
    version = git_credential_azdo.__version__
    text = f"{version}, Python {sys.version.split()[0]} at {sys.executable}, {_system()}"
    yield Check(PROGRAM, OK, text)
    bare, count = uncompiled(), len(sources())
    if bare:
        cure = hints.compile_package(sys.executable, PACKAGE)
        yield Check("bytecode", WARN, f"{len(bare)} of {count} modules are not compiled", cure)
    else:
        yield Check("bytecode", OK, f"{count} modules are compiled")


def _system() -> str:
    """Return the operating system's name and version."""
    if sys.platform == "win32":
        windows = sys.getwindowsversion()
        return f"Windows {windows.major}.{windows.minor}.{windows.build}"
    name = os.uname()
    return f"{name.sysname} {name.release} {name.machine}"


def path() -> Iterator[Check]:
    """Return whether a shell finds this program, only once, and nothing of the current folder."""
    for entry in inherited.dropped:
        text = (
            f"the entry {entry!r} leads into the current folder; git and shells may run programs from there"
        )
        yield Check("PATH", WARN, text, hints.set_variables(f"PATH={os.environ.get('PATH', '')}"))
    found = list(programs.candidates(PROGRAM))
    others = [each for each in found if os.path.realpath(each) != os.path.realpath(found[0])]
    if not found:
        yield Check("PATH", WARN, f"{PROGRAM} is not on PATH", hints.ensure_path())
    elif others:
        text = (
            f"{len(others) + 1} installations are on PATH; the first is run: {', '.join([found[0], *others])}"
        )
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
    text = "; ".join(
        [f"{match[0]} at {programs.find('git')}", *(lack for since, lack in _SINCE if version < since)]
    )
    if version < _MADE_FOR_GIT:
        state = FAIL if version < _LEAST_GIT else WARN
        yield Check(
            "git",
            state,
            f"{text}; too old, {'.'.join(map(str, _MADE_FOR_GIT))} or later is needed",
            hints.GIT_DOWNLOADS,
        )
    else:
        yield Check("git", OK, text)


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
        yield Check("useHttpPath", state, text, "" if with_path else hints.configure())
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
        text = f"{entry} is obeyed by git only, not by this program: a repository could have set it"
        yield Check("git network", WARN, text, hints.config_names())


def _addresses(accounts_file: AccountsFile) -> list[str]:
    """Return the addresses of a listed organization (of Azure DevOps Services: both), or of an example."""
    listed = (name for account in accounts_file.accounts for name in account.organizations)
    organization = next(listed, Organization("organization"))
    is_legacy = isinstance(organization, Organization)
    return [organization.url, *([f"https://{organization}{LEGACY_SUFFIX}"] if is_legacy else [])]


def _helpers(entries: list[config.Entry], url: str, accounts_file: AccountsFile) -> Iterator[Check]:
    name, label = "git helper", shown(url)
    listed = config.helpers_for(entries, url)
    others = helpers.others(entries, url)
    ours = next((helper for helper in listed if helper.ours), None)
    if ours is None:
        text = f"git does not call this helper for {label}"
        if not is_served(url, accounts_file):
            yield Check(name, WARN, f"{text}: {NOT_SERVED}", add_server(url))
            return
        why = f": {others.reset.description}" if others.reset else ""
        yield Check(name, FAIL, text + why, others.reset.hint if others.reset else hints.configure())
    else:
        program, where = _program_of(ours), config.location(ours.entry)
        if program and os.access(program, os.X_OK):
            order = "first" if listed[0] is ours else "later"
            yield Check(name, OK, f"{label}: git asks {program} {order}, set in {where}")
        else:
            text = f"{label}: the program that git would run does not exist, set in {where}"
            yield Check(name, FAIL, text, hints.configure())
    for other in others.before:
        state = WARN if ours is None else FAIL
        yield Check(name, state, f"{label}: git first asks {other.description}", other.hint)
    for other in others.receiving:
        if other not in others.before:
            yield Check(name, WARN, f"{label}: git also gives the token to {other.description}", other.hint)


def _program_of(helper: config.Helper) -> str | None:
    """Return the path of what git would start for one of our helpers."""
    try:
        words = shlex.split(helper.command)
    except ValueError:
        return None
    named = (word for word in words if os.path.basename(word).removesuffix(".exe") == PROGRAM)
    word = next(named, PROGRAM if words[:1] == ["git"] else next(iter(words), ""))
    return programs.which(word)


def choice(url: str | None, accounts_file: AccountsFile) -> Iterator[Check]:
    """Return which account serves the address, the current repository, or a listed organization, as ``explain`` has it."""
    if url is None:
        here = [each for each in remotes(config.read_config()).values() if is_served(each, accounts_file)]
        if not here and not accounts_file.accounts:
            return
        url = [*here, *_addresses(accounts_file)][0]
    found = explain(url, accounts_file)
    silent = FAIL if found.get("unknown_user") else WARN if found["cure"] else OK
    state = {ANSWERS: OK, SILENT: silent}.get(str(found["result"]), FAIL)
    text = f"{shown(url)}: {found['account'] or 'no account'} ({found['reason']}); result: {found['result']}"
    yield Check("choice", state, text, str(found["cure"] or ""))


def environment() -> Iterator[Check]:
    """Return which of the variables that matter are set, and what a token among them does."""
    found = []
    for name, value in sorted(os.environ.items()):
        if name.upper() in _SHOWN:
            found.append(f"{name}={value}")
        elif name.upper() in _ADDRESSES:
            found.append(f"{name}={hidden(value)}")
        elif name in _NAMED:
            found.append(f"{name} is set")
    yield Check("environment", OK, ", ".join(found) or "no variable that matters here is set")
    is_ci = bool(os.environ.get("TF_BUILD") or os.environ.get("CI"))
    if os.environ.get(PERSONAL_TOKEN) and not is_ci:
        text = f"{PERSONAL_TOKEN} is used for every organization without an account"
        yield Check("token variable", WARN, text, hints.unset(PERSONAL_TOKEN))
    if os.environ.get(PIPELINE_TOKEN) and not os.environ.get("TF_BUILD"):
        text = f"{PIPELINE_TOKEN} is ignored without TF_BUILD"
        yield Check("token variable", WARN, text, hints.unset(PIPELINE_TOKEN))
    added = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if added != [""]:
        is_safe = inherited.outside(added) == added
        text = "is set: this program uses nothing of it, but Python runs a sitecustomize.py from it first"
        where = "" if is_safe else ", also from the current folder: it has an empty or relative entry"
        yield Check("PYTHONPATH", OK if is_safe else WARN, text + where, hints.unset("PYTHONPATH"))


# --- compiled bytecode: an installer that leaves it out doubles the cost of every get


def sources() -> list[str]:
    """Return the paths of the package's modules."""
    return glob.glob(os.path.join(glob.escape(PACKAGE), "**", "*.py"), recursive=True)


def uncompiled() -> list[str]:
    """Return those for which this interpreter finds no compiled bytecode."""
    return [path for path in sources() if not os.path.exists(importlib.util.cache_from_source(path))]


def compile_package() -> None:
    """Compile what is not, where that may be written; silent, since all works without it, only slower."""
    if os.access(PACKAGE, os.W_OK):
        for path in uncompiled():
            compileall.compile_file(path, quiet=2)
