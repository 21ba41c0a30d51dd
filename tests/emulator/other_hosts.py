"""Git servers that are not Azure DevOps Services: Azure DevOps Server on premises, or any other, with Basic.

Over https and plain http. Their repositories come to be when somebody who may asks for them; their 401 offers
what the test says (Azure DevOps Server offers Bearer, Basic, Negotiate and NTLM: git-lfs issue 4234).
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.emulator import access, git_http, lfs, repositories
from tests.emulator.messages import Response, html_response
from tests.emulator.model import guid

if TYPE_CHECKING:
    from tests.emulator.messages import Request
    from tests.emulator.world import World

_SERVICES = (["info", "refs"], ["git-upload-pack"], ["git-receive-pack"])


@dataclass
class Server:
    """A server: ``users`` maps names to passwords; an empty ``challenges`` means Basic with its own realm."""

    scheme: str
    host: str
    port: int
    users: dict[str, str]
    challenges: list[str] = field(default_factory=list)
    root: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def url(self) -> str:
        """Scheme, host and port (the default one left out)."""
        default = {"https": 443, "http": 80}[self.scheme]
        return f"{self.scheme}://{self.host}" + ("" if self.port == default else f":{self.port}")


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


def handle(server: Server, request: Request) -> Response:
    """Answer a request to a registered server."""
    parts = access.basic(request.header("Authorization") or "")
    if parts is None or server.users.get(parts[0]) != parts[1]:
        offered = server.challenges or [f'Basic realm="{server.url}/"']
        return html_response(
            401, "<html><body>401</body></html>", [("WWW-Authenticate", one) for one in offered]
        )
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
