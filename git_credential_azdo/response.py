"""An HTTP response: status, headers and a body of bounded size, read as JSON where JSON is expected. Pure.

The size is counted as received and as decompressed, so that no response takes more memory than _MAX_BYTES. Must never
show a body: it may be a secret.
"""

from __future__ import annotations

import json as json_codec
import re
import zlib
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from git_credential_azdo.errors import ServiceError
from git_credential_azdo.proxy import HINT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MAX_BYTES = 16 * 1024 * 1024  # far more than any response that this program needs
_HTML = re.compile(rb"\s*<(?:!doctype|html|head|\?xml)", re.IGNORECASE)


class Response:
    """A response of any status: ``host``, ``status``, ``body`` (bytes, decompressed), headers in order."""

    __slots__ = ("_headers", "body", "host", "status")

    def __init__(self, host: str, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.host = host
        self.status = status
        self._headers = headers
        self.body = body

    def __repr__(self) -> str:
        return f"<Response {self.status} from {self.host}, {len(self.body)} bytes>"

    def all(self, name: str) -> list[str]:
        """Return every value of a header, in order; names are compared without case."""
        wanted = name.lower()
        return [value for key, value in self._headers if key.lower() == wanted]

    def header(self, name: str) -> str | None:
        """Return the first value of a header, or None."""
        return next(iter(self.all(name)), None)

    def json(self) -> object:
        """Return the body as JSON; Azure DevOps may put a UTF-8 BOM first. Raise ServiceError when it is not JSON."""
        try:
            text = self.body.decode("utf-8-sig")
            document: object = json_codec.loads(text)
            if "\\ud" in text.lower():  # an unpaired surrogate cannot be encoded
                json_codec.dumps(document, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            pass
        else:
            return document
        if _HTML.match(self.body) or "html" in (self.header("content-type") or ""):
            raise ServiceError(
                f"{self.host} returned an HTML page instead of JSON (status {self.status})",
                "open the page in a browser: it may be a proxy's, a sign-in page or a notice",
            )
        raise ServiceError(f"{self.host} returned a response that is not JSON (status {self.status})")

    def fields(self) -> Mapping[str, object]:
        """Return the body if it is a JSON object, else an empty one."""
        try:
            document = self.json()
        except ServiceError:
            return {}
        return document if isinstance(document, dict) else {}


def retry_after(response: Response, now: float) -> float | None:
    """Return the seconds of ``Retry-After`` (RFC 9110: seconds or a date), or None. ``now``: seconds since the epoch."""
    text = (response.header("retry-after") or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def read_body(chunks: Iterable[bytes], coding: str, host: str) -> bytes:
    """Return a body of at most _MAX_BYTES, counted as received and as decompressed. Raise ServiceError.

    ``coding``: its Content-Encoding. None is requested; one layer of gzip is read, since some proxies add it.
    """
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise ServiceError(f"{host} used a content encoding that was not requested", HINT)
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 16) if "gzip" in coding else None
    body = bytearray()
    received = 0
    try:
        for chunk in chunks:
            received += len(chunk)
            body += decompressor.decompress(chunk, _MAX_BYTES + 1 - len(body)) if decompressor else chunk
            if max(received, len(body)) > _MAX_BYTES:
                raise ServiceError(f"{host} sent more than {_MAX_BYTES // 2**20} MiB")
    except zlib.error:
        raise ServiceError(f"{host} sent a response that cannot be decompressed", HINT) from None
    if decompressor and received and not decompressor.eof:
        raise ServiceError(f"{host} sent an incomplete response", HINT)
    return bytes(body)
