"""What came back over HTTP: status, headers, a body of bounded size, read as JSON where JSON is due. Pure.

Counts a body as sent and as unpacked, so that no answer costs more memory than the limit. Never shows a body: it may
be a secret.
"""

from __future__ import annotations

import json as json_codec
import re
import zlib
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from git_credential_azdo.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_BYTES = 16 * 1024 * 1024  # an answer longer than this is no answer to anything we ask
_HTML = re.compile(rb"\s*<(?:!doctype|html|head|\?xml)", re.IGNORECASE)
PROXY_HINT = "check HTTPS_PROXY and NO_PROXY (git's setting for the same is http.proxy)"


class Response:
    """A server's answer, any status: ``status``, ``body`` (bytes, unpacked), headers in order."""

    __slots__ = ("_headers", "body", "host", "status")

    def __init__(self, host: str, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.host = host
        self.status = status
        self._headers = headers
        self.body = body

    def __repr__(self) -> str:
        return f"<Answer {self.status} from {self.host}, {len(self.body)} bytes>"

    def all(self, name: str) -> list[str]:
        """Give every value of that header, in order; names compare without case."""
        wanted = name.lower()
        return [value for key, value in self._headers if key.lower() == wanted]

    def header(self, name: str) -> str | None:
        """Return the first value of that header, or None."""
        return next(iter(self.all(name)), None)

    def json(self) -> object:
        """Read the body as JSON; ``ServiceError`` if it is none. Azure DevOps may put a UTF-8 BOM first."""
        try:
            text = self.body.decode("utf-8-sig")
            document: object = json_codec.loads(text)
            if "\\ud" in text.lower():  # half a character cannot be sent or written anywhere
                json_codec.dumps(document, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            pass
        else:
            return document
        if _HTML.match(self.body) or "html" in (self.header("content-type") or ""):
            raise ServiceError(
                f"{self.host} answered with a web page where data was due (status {self.status})",
                "open the page in a browser: a proxy, a sign-in page or a notice may stand in between",
            )
        raise ServiceError(f"{self.host} answered with something that is not JSON (status {self.status})")


def retry_after(answer: Response, now: float) -> float | None:
    """Seconds the server asks us to wait (``Retry-After``: seconds or a date), or None. ``now``: POSIX."""
    text = (answer.header("retry-after") or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def read_body(chunks: Iterable[bytes], coding: str, host: str) -> bytes:
    """Join a body of at most _MOST_BYTES, counted as sent and as unpacked. Raise ServiceError.

    No packed body is asked for; one layer of gzip is read, since some proxies pack whatever passes.
    """
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise ServiceError(f"{host} sent an answer in an encoding that was not asked for", PROXY_HINT)
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16) if "gzip" in coding else None
    body = bytearray()
    sent = 0
    try:
        for chunk in chunks:
            sent += len(chunk)
            body += unpacker.decompress(chunk, _MOST_BYTES + 1 - len(body)) if unpacker else chunk
            if max(sent, len(body)) > _MOST_BYTES:
                raise ServiceError(f"{host} sent more than {_MOST_BYTES // 2**20} MiB")
    except zlib.error:
        raise ServiceError(f"{host} sent an answer that cannot be unpacked", PROXY_HINT) from None
    if unpacker and sent and not unpacker.eof:
        raise ServiceError(f"{host} sent an answer that ends in the middle", PROXY_HINT)
    return bytes(body)
