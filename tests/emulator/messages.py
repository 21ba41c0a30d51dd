"""One HTTP request as it arrived and one response as it leaves: header names, their order, the bytes.

Knows nothing of sockets (see ``server``) and nothing of Azure DevOps. Paths stay as they came, percent signs
and all; ``segments`` gives the decoded parts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Request:
    """A request: ``host`` is lower case and without its port, ``path`` and ``query`` are raw."""

    method: str
    scheme: str
    host: str
    port: int
    path: str
    query: str
    headers: Headers
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Give the first header of that name, in any case, or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    @property
    def segments(self) -> list[str]:
        """The path's parts, decoded, empty ones dropped."""
        return [unquote(part) for part in self.path.split("/") if part]

    @property
    def parameters(self) -> dict[str, str]:
        """The query as a dictionary; of a repeated name the last one counts."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        """The body as an HTML form; of a repeated name the last one counts."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @property
    def url(self) -> str:
        """The address as the client wrote it."""
        default = {"https": 443, "http": 80}[self.scheme]
        port = "" if self.port == default else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}" + (f"?{self.query}" if self.query else "")


@dataclass
class Response:
    """A response: headers leave in this order; ``Content-Length`` and ``Date`` are added behind them."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""


@dataclass
class Record:
    """What the emulator remembers of one request. ``status`` is 0 until it is answered."""

    method: str
    host: str
    path: str
    query: str
    headers: Headers
    body: bytes
    status: int = 0

    def header(self, name: str) -> str | None:
        """Give the first header of that name, in any case, or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"


def json_response(status: int, value: Any, headers: Headers | None = None, *, bom: bool = False) -> Response:
    """Answer with JSON; ``bom`` puts the byte order mark in front that some of Azure DevOps' errors carry."""
    body = (b"\xef\xbb\xbf" if bom else b"") + json.dumps(value).encode()
    return Response(status, [("Content-Type", JSON), *(headers or [])], body)


def html_response(status: int, text: str, headers: Headers | None = None) -> Response:
    """Answer with a page."""
    return Response(status, [("Content-Type", HTML), *(headers or [])], text.encode())


def redirect(location: str, headers: Headers | None = None) -> Response:
    """Send the client elsewhere, with the page that ASP.NET puts below."""
    page = '<html><head><title>Object moved</title></head><body>\r\n<h2>Object moved to <a href="here">here</a>.</h2>\r\n</body></html>\r\n'
    return html_response(302, page, [("Location", location), *(headers or [])])
