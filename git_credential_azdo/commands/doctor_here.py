"""``doctor`` on this machine's programs: ourselves, PATH, git and its configuration, the environment.

Of the environment only the variables of an allow-list are named, and shown only where they cannot hold a secret.
What each git lacks: git's Documentation/RelNotes (2.26 config --show-scope, 2.41 wwwauth[], 2.46 authtype and state).
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from typing import TYPE_CHECKING

import git_credential_azdo
from git_credential_azdo import hints, inherited, programs
from git_credential_azdo.accounts.environment import PERSONAL_TOKEN, PIPELINE_TOKEN
from git_credential_azdo.commands import bytecode
from git_credential_azdo.commands.doctor_check import FAIL, OK, WARN, Check, hidden
from git_credential_azdo.commands.explain import ANSWERS, SILENT, explain
from git_credential_azdo.git import config, helpers, network
from git_credential_azdo.git.address import holds_password, message_for
from git_credential_azdo.git.target import SERVICES_ADDRESS
from git_credential_azdo.hosts import SERVICES_HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_credential_azdo.accounts.accounts_file import AccountsFile

PROGRAM = "git-credential-azdo"
_LEAST_GIT, _MADE_FOR_GIT = (2, 26), (2, 30)
_SINCE = (((2, 41), "wwwauth[] (the tenant costs a request)"), ((2, 46), "authtype and state"))
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
    """Our version, Python's and the platform's; whether the package is compiled."""
    version = git_credential_azdo.__version__
    text = f"{version}, Python {sys.version.split()[0]} at {sys.executable}, {_system()}"
    yield Check(PROGRAM, OK, text)
    bare, count = bytecode.uncompiled(), len(bytecode.sources())
    if bare:
        cure = hints.compile_package(sys.executable, bytecode.PACKAGE)
        yield Check("bytecode", WARN, f"{len(bare)} of {count} modules are not compiled", cure)
    else:
        yield Check("bytecode", OK, f"{count} modules are compiled")


def _system() -> str:
    """Return the operating system's name and version, without a program that would tell more."""
    if sys.platform == "win32":
        windows = sys.getwindowsversion()
        return f"Windows {windows.major}.{windows.minor}.{windows.build}"
    name = os.uname()
    return f"{name.sysname} {name.release} {name.machine}"


def path() -> Iterator[Check]:
    """Whether a shell finds us, and only us, and nothing of the folder that it stands in."""
    for entry in inherited.dropped:
        text = (
            f"the entry {entry!r} leads into the folder you stand in; git and shells may start programs of it"
        )
        yield Check(
            "PATH", WARN, text, "take empty and relative entries out of PATH where your shell sets it"
        )
    found = list(programs.candidates(PROGRAM))
    if not found:
        yield Check(
            "PATH", WARN, f"{PROGRAM} is not on PATH", f"{hints.ensure_path()}, then open a new terminal"
        )
    elif len({os.path.realpath(place) for place in found}) > 1:
        yield Check(
            "PATH", WARN, f"several are on PATH, the first is taken: {', '.join(found)}", "remove the others"
        )
    else:
        yield Check("PATH", OK, found[0])


def git() -> Iterator[Check]:
    """Which git, and what it lacks."""
    said = config.run_git(["--version"]).stdout.decode("utf-8", "replace")
    match = re.search(r"(\d+)\.(\d+)\S*", said)
    if not match:
        yield Check("git", FAIL, "git does not tell its version", hints.GIT_DOWNLOADS)
        return
    version = (int(match[1]), int(match[2]))
    lacks = "; ".join(
        f"{what}, since {major}.{minor}" for (major, minor), what in _SINCE if version < (major, minor)
    )
    text = f"{match[0]} at {programs.find('git')}{f', lacks {lacks}' if lacks else ''}"
    if version < _MADE_FOR_GIT:
        state = FAIL if version < _LEAST_GIT else WARN
        yield Check("git", state, f"{text}; it is too old", hints.GIT_DOWNLOADS)
    else:
        yield Check("git", OK, text)


def git_config(urls: list[str], accounts: int) -> Iterator[Check]:
    """Who answers git for the addresses, who else gets our token, and what else of git's settings matters."""
    entries = config.read_config()
    for url in urls:
        label = shown(url)
        yield from _helpers(entries, url, label)
        if holds_password(url):
            yield Check(
                "address",
                WARN,
                "holds a password, so git asks no helper",
                hints.set_url(label),
            )
    url = urls[0]
    if message_for(url).get("host") == SERVICES_HOST:
        with_path = config.use_http_path(entries, url)
        state = OK if with_path or accounts <= 1 else WARN
        said = "git tells us the organization" if with_path else "git does not tell us the organization"
        yield Check("useHttpPath", state, said, "" if with_path else hints.use_http_path(SERVICES_ADDRESS))
    if config.value_for(entries, "http.extraheader", url):
        text = "http.extraHeader is set: a token in it is sent before any helper is asked"
        yield Check("git header", WARN, text, hints.config_like("extraheader", values=False))
    verify = config.entry_for(entries, "http.sslVerify", url)
    if (verify and not config.as_bool(verify)) or "GIT_SSL_NO_VERIFY" in os.environ:
        cure = f"{hints.config_like('sslverify')}; {hints.show_variable('GIT_SSL_NO_VERIFY')}"
        yield Check("git TLS", WARN, "certificates are not checked: anybody on the way can read tokens", cure)
    values = [
        (key, config.value_for(entries, key, url))
        for key in ("http.proxy", "http.sslCAInfo", "http.sslCAPath")
    ]
    told = [f"{key}={hidden(value) or 'none'}" for key, value in values if value is not None]
    yield Check("git network", OK, ", ".join(told) or "neither proxy nor certificates are set")
    for said in network.passed_over(entries):
        text = f"{said} counts for git, not for what we send ourselves: a repository could have set it"
        yield Check("git network", WARN, text, hints.config_names())


def _helpers(entries: list[config.Entry], url: str, label: str) -> Iterator[Check]:
    name = "git helper"
    listed = config.helpers_for(entries, url)
    others = helpers.others(entries, url)
    ours = next((helper for helper in listed if helper.ours), None)
    if ours is None:
        why = f": {others.reset.said}" if others.reset else ""
        cure = others.reset.cure if others.reset else hints.configure()
        yield Check(name, FAIL, f"git does not call us for {label}{why}", cure)
    else:
        started = _program_of(ours)
        if started and os.access(started, os.X_OK):
            order = "first" if listed[0] is ours else "later"
            yield Check(name, OK, f"{label}: {started} is asked {order}, set in {config.place(ours.entry)}")
        else:
            text = (
                f"{label}: the program that git would start is not there, set in {config.place(ours.entry)}"
            )
            yield Check(name, FAIL, text, hints.configure())
    for other in others.before:
        yield Check(
            name, WARN if ours is None else FAIL, f"{label}: before us answers {other.said}", other.cure
        )
    for other in others.receiving:
        if other not in others.before:
            yield Check(name, WARN, f"{label}: our token is handed to {other.said}", other.cure)


def _program_of(helper: config.Helper) -> str | None:
    """Return the path of what git would start for one of our helpers."""
    try:
        words = shlex.split(helper.runs)
    except ValueError:
        return None
    named = (word for word in words if os.path.basename(word).removesuffix(".exe") == PROGRAM)
    word = next(named, PROGRAM if words[:1] == ["git"] else next(iter(words), ""))
    return programs.which(word)


def choice(url: str, accounts_file: AccountsFile) -> Iterator[Check]:
    """Who would answer for the address, as ``explain`` has it."""
    found = explain(url, accounts_file)
    who = found["account"] or "no account"
    state = {ANSWERS: OK, SILENT: WARN}.get(str(found["get"]), FAIL)
    text = f"{shown(url)}: {who} ({found['reason']}); get {found['get']}"
    yield Check("choice", state, text, "" if state == OK else hints.explain(shown(url)))


def environment() -> Iterator[Check]:
    """Which of the variables that concern us are set, and what a token among them does."""
    told = []
    for name, value in sorted(os.environ.items()):
        if name.upper() in _SHOWN:
            told.append(f"{name}={value}")
        elif name.upper() in _ADDRESSES:
            told.append(f"{name}={hidden(value)}")
        elif name in _NAMED:
            told.append(f"{name} is set")
    yield Check("environment", OK, ", ".join(told) or "nothing that concerns us is set")
    unattended = bool(os.environ.get("TF_BUILD") or os.environ.get("CI"))
    if os.environ.get(PERSONAL_TOKEN) and not unattended:
        text = f"{PERSONAL_TOKEN} answers for every organization that no account was set up for"
        yield Check("token variable", WARN, text, hints.unset(PERSONAL_TOKEN))
    if os.environ.get(PIPELINE_TOKEN) and not os.environ.get("TF_BUILD"):
        yield Check(
            "token variable", WARN, f"{PIPELINE_TOKEN} counts only with TF_BUILD", hints.unset(PIPELINE_TOKEN)
        )
    added = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if added != [""]:
        is_safe = inherited.outside(added) == added
        text = (
            "is set: nothing of it is used here, but Python itself starts a sitecustomize.py of it before us"
        )
        where = "" if is_safe else ", also one of the folder you stand in: it has an empty or relative entry"
        yield Check("PYTHONPATH", OK if is_safe else WARN, text + where, hints.unset("PYTHONPATH"))


def shown(url: str) -> str:
    """Return the address without user, password and query."""
    message = message_for(url)
    address = f"{message.get('protocol')}://{message.get('host')}/{message.get('path') or ''}"
    return address.partition("?")[0].rstrip("/")
