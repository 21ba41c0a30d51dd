"""Git's smart protocol over HTTP, by git's own ``git http-backend`` as a CGI program.

Knows how to run it for one bare repository; who may is decided before. Source: git's
Documentation/git-http-backend.txt and RFC 3875 (CGI). Without CONTENT_LENGTH it reads until the end, and it
unpacks gzip by itself.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.emulator import repositories
from tests.emulator.messages import Headers, Response

if TYPE_CHECKING:
    from tests.emulator.messages import Request


def wants_write(request: Request, rest: list[str]) -> bool:
    """Tell whether a git request (``rest``: its path below the repository) is about pushing."""
    return "git-receive-pack" in (rest[-1] if rest else "", request.parameters.get("service", ""))


def serve(request: Request, repository: str, rest: list[str]) -> Response:
    """Answer ``rest`` (``["info", "refs"]``, ``["git-upload-pack"]`` ...) of the bare repository at a path."""
    root, name = os.path.split(repository)
    environment = {
        **repositories.environment(root),
        "GIT_PROJECT_ROOT": root,
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": "/".join(["", name, *rest]),
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query,
        "CONTENT_TYPE": request.header("Content-Type") or "",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_USER": "emulator",
    }
    for header, variable in (("Git-Protocol", "GIT_PROTOCOL"), ("Content-Encoding", "HTTP_CONTENT_ENCODING")):
        value = request.header(header)
        if value:
            environment[variable] = value
    done = subprocess.run(
        ["git", "http-backend"], input=request.body, stdout=subprocess.PIPE, env=environment, check=False
    )
    return _from_cgi(done.stdout)


def _from_cgi(output: bytes) -> Response:
    head, _, body = output.partition(b"\r\n\r\n")
    status, headers = 200, Headers()
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        elif name:
            headers.append((name, value.strip()))
    return Response(status, headers, body)
