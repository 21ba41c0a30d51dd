"""Where connections are opened: in three modules, and only to hosts of the one list or to those that a person named."""

from __future__ import annotations

import ast
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from git_credential_azdo.hosts import MICROSOFT
from tests.emulator.default_world import ANN, CONTOSO
from tests.support.people import STALE, at, sign_in
from tests.support.source import MODULES
from tests.support.terminal import Sitting
from tests.support.watch import new_password
from tests.support.workloads import CLIENT, add_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator

OBSERVER = Path(__file__).parents[1] / "support" / "observed.py"
SERVER = "https://tfs.example.com"


NETWORK = frozenset(
    [
        "_socket",
        "aiohttp",
        "anyio",
        "asyncio",
        "ftplib",
        "http",
        "httpcore",
        "httpx",
        "imaplib",
        "poplib",
        "requests",
        "smtplib",
        "socket",
        "socketserver",
        "socks",
        "telnetlib",
        "urllib.request",
        "urllib3",
        "websockets",
        "wsgiref",
        "xmlrpc",
    ]
)
ANYTHING = "*"
USES = {
    "web.py": {
        "httpx": ANYTHING,
        "socket": "gaierror EAI_AGAIN",
        "urllib.request": "getproxies proxy_bypass",
    },
    "signin/listener.py": {
        "socket": "AF_INET AF_INET6 AddressFamily SHUT_WR SOL_SOCKET SO_EXCLUSIVEADDRUSE create_server socket"
    },
    "vault/secret_service.py": {"_socket": "socket AF_UNIX SOCK_STREAM SOL_SOCKET SO_PEERCRED"},
    # These two only ask about sockets that are open, and make a pair that nothing else can reach.
    "signin/interactive.py": {"socket": "socket socketpair"},
    "signin/peer.py": {"socket": "AF_INET6 IPPROTO_TCP TCP_INFO inet_aton inet_pton socket"},
    # These two only ask about this machine and its settings.
    "git/network.py": {"urllib.request": "proxy_bypass_environment"},
    "commands/pat_making.py": {"socket": "gethostname"},
}
"""What each module uses of what could open a connection; no other module has any of it."""


def parsed(module: str) -> ast.Module:
    """Return a module of ours as a tree."""
    return ast.parse(MODULES[module])


def network_names(source: str) -> dict[str, set[str]]:
    """Return what a module uses of each network module; ``*`` for one that is handed on whole."""
    tree = ast.parse(source)
    bound: dict[str, str] = {}
    used: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                module = next((each for each in NETWORK if f"{alias.name}.".startswith(f"{each}.")), None)
                if module:
                    bound[alias.asname or alias.name] = module
                    used.setdefault(module, set())
        elif isinstance(node, ast.ImportFrom):
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in [node.module or "", *whole]:
                module = next((each for each in NETWORK if f"{name}.".startswith(f"{each}.")), None)
                if module:
                    used.setdefault(module, set()).update(alias.name for alias in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in bound:
            used[bound[ast.unparse(node.value)]].add(node.attr)
    return used


@pytest.mark.parametrize("module", MODULES)
def test_only_three_modules_can_open_a_connection(module: str) -> None:
    """All others would have to import something that they may not."""
    allowed = USES.get(module, {})
    for name, used in network_names(MODULES[module]).items():
        assert name in allowed, f"{module} imports {name}"
        if allowed[name] != ANYTHING:
            assert used <= set(allowed[name].split()), f"{module} uses more of {name}"


def test_the_list_of_uses_is_not_longer_than_the_uses() -> None:
    """What is no longer used is no longer allowed."""
    for module, allowed in USES.items():
        used = network_names(MODULES[module])
        assert set(used) == set(allowed), module
        for name, words in allowed.items():
            assert words == ANYTHING or used[name] == set(words.split()), module


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import socket\nsocket.create_connection(('evil.test', 1))", {"socket": {"create_connection"}}),
        ("def f():\n    from http.client import HTTPSConnection", {"http": {"HTTPSConnection"}}),
        ("from urllib import request", {"urllib.request": {"request"}}),
        ("import urllib.request as u\nu.urlopen('x')", {"urllib.request": {"urlopen"}}),
        ("import asyncio.streams", {"asyncio": set()}),
        ("from urllib.parse import quote\nimport html, selectors", {}),
    ],
)
def test_an_import_is_found_however_it_is_written(source: str, found: dict[str, set[str]]) -> None:
    """Below a function, under another name, by its parts."""
    assert network_names(source) == found


BESIDE_THE_LIST = {
    "signin/exchange.py": "the authority that a person gave to setup, and its endpoints",
    "signin/device.py": "the same",
    "signin/managed_identity.py": "the service beside the machine",
    "signin/federation.py": "the pipeline's own service, from its variables",
    "commands/doctor_accounts.py": "what a person registered, without a credential",
}
"""Who names an origin beside those of Microsoft and of registered servers, and which."""


@pytest.mark.parametrize("module", MODULES)
def test_whoever_names_an_origin_beside_the_list_is_known(module: str) -> None:
    """All others leave it to ``hosts`` and to ``origins_of``, which knows Microsoft's and registered ones only."""
    calls = [node for node in ast.walk(parsed(module)) if isinstance(node, ast.Call)]
    named = [
        ast.unparse(keyword.value)
        for call in calls
        for keyword in call.keywords
        if keyword.arg == "allowed" or (keyword.arg == "also" and ast.unparse(call.func).endswith(".request"))
    ]
    others = [each for each in named if ".origins_of(" not in each]
    assert bool(others) == (module in BESIDE_THE_LIST), others


# --- what they open


class Observed:
    """A home whose commands note every connection that they open."""

    def __init__(self, home: Home, emulator: Emulator, folder: Path) -> None:
        self.home = home
        self.emulator = emulator
        self.program = folder / "observed"
        self.program.write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I {shlex.quote(str(OBSERVER))} "$@"\n'
        )
        self.program.chmod(0o755)
        self._notes = folder / "connections"
        self._notes.touch()
        home.environment["OBSERVED"] = str(self._notes)

    def run(self, *words: str, given: str = "") -> Result:
        """Run a command to its good end."""
        result = self.home.run(self.program, *words, given=given, secret_out=words[0] in {"get", "token"})
        assert result.code == 0, result
        return result

    @property
    def opened(self) -> set[tuple[str, ...]]:
        """Where connections went, and which names were looked up."""
        lines = self._notes.read_text().splitlines()
        return {tuple(json.loads(line)[1:]) for line in lines}

    @property
    def asked(self) -> set[str]:
        """The hosts that were asked, or were to be asked, through the emulator's proxy."""
        return {record.host for record in self.emulator.requests}


@pytest.fixture
def observed(home: Home, emulator: Emulator, tmp_path: Path) -> Observed:
    """Return an empty home whose commands are observed."""
    return Observed(home, emulator, tmp_path)


def sign_in_by_browser(it: Observed) -> None:
    """Run ``setup``: it asks for authority, profile and organizations."""
    sitting = Sitting(it.home, "--vault", "file", "--no-browser", "--org", "contoso", program=it.program)
    assert sitting.finish(it.emulator.sign_in(sitting.link)).code == 0


def set_up_a_token(it: Observed) -> None:
    """Run ``setup pat``, which checks the token."""
    token = it.emulator.world.new_pat(ANN, ["contoso"], "vso.code_write")
    it.run("setup", "pat", "--org", "contoso", "--vault", "file", given=token)


def set_up_a_service_principal(it: Observed) -> None:
    """Run ``setup`` for a machine."""
    secret = new_password()
    add_app(it.emulator.world, secret=secret)
    words = ("service-principal", CLIENT, "--tenant", CONTOSO, "--org", "contoso", "--vault", "file")
    it.run("setup", *words, given=secret)


def refresh(it: Observed) -> None:
    """Run ``get`` with a token that is too old."""
    sign_in(it.home, it.emulator.world, ANN, "contoso").let_pass(STALE)
    assert "password" in it.run("get", given="\n".join(at())).fields


def refresh_for_another_tenant(it: Observed) -> None:
    """Run ``get`` as an old git does for an organization whose tenant is not known yet, and is asked for first."""
    sign_in(it.home, it.emulator.world, ANN, "contoso").set_all("org[]", ["contoso", "fabrikam"])
    assert "password" in it.run("get", given="\n".join(at("fabrikam/app/_git/app"))).fields


def explain_online(it: Observed) -> None:
    """Run ``explain --online``, which asks with each account."""
    sign_in(it.home, it.emulator.world, ANN, "contoso")
    it.run("explain", "https://dev.azure.com/contoso/app/_git/app", "--online")


def examine(it: Observed) -> None:
    """Run ``doctor``; whether all is well is not the question here."""
    sign_in(it.home, it.emulator.world, ANN, "contoso")
    it.home.run(it.program, "doctor")


def print_a_token(it: Observed) -> None:
    """Run ``token`` when the one that is kept is too old."""
    sign_in(it.home, it.emulator.world, ANN, "contoso").let_pass(STALE)
    it.run("token", "--org", "contoso")


def manage_tokens(it: Observed) -> None:
    """Run ``pat create``, ``list`` and ``rotate``."""
    sign_in(it.home, it.emulator.world, ANN, "contoso")
    it.run("pat", "create", "--org", "contoso")
    it.run("pat", "list", "--org", "contoso")
    it.run("pat", "rotate")


def take_over(it: Observed) -> None:
    """Run ``import``, which tries what it finds."""
    token = it.emulator.world.new_pat(ANN, ["contoso"], "vso.code_write")
    it.home.git("config", "--global", "credential.helper", "store")
    lines = f"url=https://dev.azure.com/contoso/app/_git/app\nusername={ANN}\npassword={token}\n"
    assert it.home.git("credential-store", "store", given=lines).code == 0
    it.run("import", "--yes", "--vault", "file", "--no-git-config")


def check_a_servers_token(it: Observed) -> None:
    """Run ``setup pat --server``, which asks the one host that the person named."""
    server = it.emulator.add_server(SERVER, {ANN: new_password()}, [f'Basic realm="{SERVER}"'])
    token = server.new_token(new_password(), ANN, "collection")
    it.run("setup", "pat", "--server", f"{SERVER}/collection", "--vault", "file", given=token)


VERBS: dict[Callable[[Observed], None], set[str]] = {
    sign_in_by_browser: set(),
    set_up_a_token: set(),
    set_up_a_service_principal: set(),
    refresh: set(),
    refresh_for_another_tenant: set(),
    explain_online: set(),
    examine: set(),
    print_a_token: set(),
    manage_tokens: set(),
    take_over: set(),
    check_a_servers_token: {"tfs.example.com"},
}
"""What people and git have the program do, and the hosts that they name doing it."""


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_no_verb_opens_a_connection_elsewhere(observed: Observed, verb: Callable[[Observed], None]) -> None:
    """To the proxy that is set, and through it to hosts of the one list or to one that the person named."""
    verb(observed)
    proxy = urlsplit(observed.emulator.proxy)
    assert observed.asked
    assert observed.asked <= {urlsplit(each).hostname for each in MICROSOFT} | VERBS[verb]
    assert (str(proxy.hostname), str(proxy.port)) in observed.opened  # the observer does observe
    assert observed.opened <= {(str(proxy.hostname), str(proxy.port)), (str(proxy.hostname),)}


@pytest.mark.parametrize(
    "words",
    [
        ("accounts",),
        ("accounts", "--format", "json"),
        ("explain", "https://dev.azure.com/contoso/app/_git/app"),
        ("use", ANN, "--default"),
        ("configure",),
        ("unconfigure",),
        ("server", "add", SERVER),
        ("server", "list"),
        ("unlock",),
        ("token", "--org", "contoso"),
        ("get",),
        ("logout", ANN),
    ],
    ids=" ".join,
)
def test_what_needs_no_network_opens_no_connection(observed: Observed, words: tuple[str, ...]) -> None:
    """Nor looks a name up: with a token that lives, git and people are answered from this machine."""
    sign_in(observed.home, observed.emulator.world, ANN, "contoso")
    observed.run(*words, given="\n".join(at()) if words == ("get",) else "")
    assert observed.opened == set()
    assert observed.asked == set()
