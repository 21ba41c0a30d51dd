"""Which modules can open a connection, and which name an address, by the source."""

from __future__ import annotations

import ast
import re

import pytest

from tests.support.source import MODULES, tree

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
    "web.py": {"httpx": ANYTHING},
    "connection.py": {
        "httpx": ANYTHING,
        "httpcore": ANYTHING,
        "socket": "getaddrinfo",
    },
    # These only ask about errors, this machine and its settings.
    "proxy.py": {
        "httpcore": "",
        "socket": "",
        "urllib.request": "getproxies proxy_bypass",
    },
    "signin/listener.py": {"socket": "create_server socket"},
    "vault/secret_service.py": {"_socket": "socket"},
    "signin/interactive.py": {"socket": "socket"},
    "git/network.py": {"urllib.request": "proxy_bypass_environment"},
    "commands/pat.py": {"socket": "gethostname"},
}
"""What each module uses of what could open a connection; no other module has any of it."""
_HARMLESS = re.compile(r"[A-Z0-9_]+|\w*([Ee]rror|Exception)")
"""Constants and kinds of errors, which open nothing."""


def network_names(source: str) -> dict[str, set[str]]:
    """Return what a module uses of each network module, but for what is harmless."""
    nodes = list(ast.walk(tree(source)))
    bound: dict[str, str] = {}
    used: dict[str, set[str]] = {}
    for node in nodes:
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
    for node in nodes:
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in bound:
            used[bound[ast.unparse(node.value)]].add(node.attr)
    return {name: {word for word in words if not _HARMLESS.fullmatch(word)} for name, words in used.items()}


def test_only_listed_modules_can_open_a_connection() -> None:
    """All others would have to import something that they may not; what is no longer used is no longer allowed."""
    for module, source in MODULES.items():
        used = network_names(source)
        allowed = USES.get(module, {})
        assert used.keys() == allowed.keys(), module
        for name, words in allowed.items():
            assert words == ANYTHING or used[name] == set(words.split()), (module, name)
    assert USES.keys() <= MODULES.keys()


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
    "signin/authorities.py": "the authority that a person gave to setup, and its endpoints",
    "signin/device.py": "the same",
    "signin/managed_identity.py": "the service beside the machine",
    "signin/federation.py": "the pipeline's own service, from its variables",
    "commands/doctor.py": "what a person registered, without a credential",
}
"""Who names an origin beside those of Microsoft and of registered servers, and which."""


def test_code_that_names_an_origin_beside_the_list_is_known() -> None:
    """All others leave it to ``microsoft`` of ``git/target`` and to ``origins_of``, which knows Microsoft's and registered ones only."""
    named = {module: others for module, source in MODULES.items() if (others := named_origins(source))}
    assert named.keys() == BESIDE_THE_LIST.keys(), named


def named_origins(source: str) -> list[str]:
    """Return the origins that a module's source allows by another way than ``origins_of``."""
    calls = [node for node in ast.walk(tree(source)) if isinstance(node, ast.Call)]
    named = [
        ast.unparse(keyword.value)
        for call in calls
        for keyword in call.keywords
        if keyword.arg == "allowed"
        or (
            keyword.arg == "elsewhere"
            and isinstance(call.func, ast.Attribute)
            and call.func.attr == "request"
        )
    ]
    asked = (ast.unparse(call) for call in calls if isinstance(call.func, ast.Name) and call.func.id == "ask")
    named += [text for text in asked if text.startswith("ask(web, ")]  # of ``authorities``
    return [each for each in named if ".origins_of(" not in each]
