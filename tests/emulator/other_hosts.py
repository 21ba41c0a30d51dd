"""Git servers that are not Azure DevOps Services: Azure DevOps Server on premises, or any other, with Basic.

Over https and plain http. Their repositories come to be when somebody who may asks for them; their 401 offers
what the test says (Azure DevOps Server offers Bearer, Basic, Negotiate and NTLM: git-lfs issue 4234). A personal
access token opens its collections, with any user name; connectionData tells whose it is.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.emulator import access, git_http, lfs, repositories
from tests.emulator.messages import Response, html_response, json_response
from tests.emulator.model import guid

if TYPE_CHECKING:
    from tests.emulator.messages import Request
    from tests.emulator.world import World

_REST = {"connectiondata", "git/repositories"}
_SERVICES = (["info", "refs"], ["git-upload-pack"], ["git-receive-pack"])


@dataclass
class Token:
    """A personal access token of ``person`` for some collections, by their paths."""

    person: str
    collections: frozenset[str]


@dataclass
class Server:
    """A server: ``users`` maps names to passwords; an empty ``challenges`` means Basic with its own realm."""

    scheme: str
    host: str
    port: int
    users: dict[str, str]
    challenges: list[str] = field(default_factory=list)
    root: str = ""
    tokens: dict[str, Token] = field(default_factory=dict, repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def url(self) -> str:
        """Scheme, host and port (the default one left out)."""
        default = {"https": 443, "http": 80}[self.scheme]
        return f"{self.scheme}://{self.host}" + ("" if self.port == default else f":{self.port}")

    def new_token(self, token: str, person: str, *collections: str) -> str:
        """Let this text be a personal access token for the collections; give it back."""
        self.tokens[token] = Token(person, frozenset(each.lower() for each in collections))
        return token


def key(scheme: str, host: str, port: int) -> str:
    """Give the name under which ``world.servers`` holds a server."""
    return f"{scheme}://{host}:{port}"


def add(world: World, url: str, users: dict[str, str], challenges: list[str] | None = None) -> Server:
    """Register a server, for example ``https://git.example.com:8443`` or ``http://tfs.example.com``."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}[parts.scheme]
    root = os.path.join(world.directory, "servers", guid("server", url))
    server = Server(parts.scheme, parts.hostname or "", port, dict(users), list(challenges or []), root)
    world.servers[key(server.scheme, server.host, server.port)] = server
    return server


def _split(segments: list[str]) -> tuple[list[str], list[str]]:
    """Give the repository's path and what is asked of it."""
    for tail in _SERVICES:
        if segments[-len(tail) :] == tail:
            return segments[: -len(tail)], tail
    for at in range(len(segments) - 1):
        if segments[at : at + 2] == ["info", "lfs"]:
            return segments[:at], segments[at:]
    return segments, []


def _told(person: str) -> dict[str, object]:
    account = {"Account": {"$type": "System.String", "$value": person}}
    user = {"id": guid("identity", person), "providerDisplayName": person, "properties": account}
    return {"authenticatedUser": user, "authorizedUser": user, "deploymentType": "onPremises"}


def handle(server: Server, request: Request) -> Response:
    """Answer a request to a registered server."""
    parts = access.basic(request.header("Authorization") or "")
    place = "/".join(request.segments).lower()
    token = server.tokens.get(parts[1]) if parts else None
    opens = token is not None and any(f"{place}/".startswith(f"{each}/") for each in token.collections)
    if parts is None or (server.users.get(parts[0]) != parts[1] and not opens):
        offered = server.challenges or [f'Basic realm="{server.url}/"']
        return html_response(
            401, "<html><body>401</body></html>", [("WWW-Authenticate", one) for one in offered]
        )
    if place.partition("/_apis/")[2] in _REST:
        return json_response(200, _told(token.person if token else parts[0]))
    path, below = _split(request.segments)
    if not below:
        return html_response(200, "<html><body>git server</body></html>")
    path[-1:] = [part.removesuffix(".git") for part in path[-1:]]  # git-lfs adds it where there is none
    with server.lock:
        bare = repositories.ensure(
            os.path.join(server.root, guid("repository", server.url, *path)), (path or ["root"])[-1]
        )
    if below[:2] == ["info", "lfs"]:
        return lfs.serve(request, bare, below[2:])
    return git_http.serve(request, bare, below)
