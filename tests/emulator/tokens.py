"""The shapes of secrets, built at run time: nothing of that shape stands in a file.

PAT formats: microsoft/security-utilities, SEC101/102 (52 characters, with a CRC-32) and the common annotated
key (84 characters). Entra's tokens are opaque to everybody; only their length is like the real ones.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import string
import zlib
from typing import Any

BASE62 = string.ascii_letters + string.digits
USER_PAT_SEED = 0xE0B9692D


def _base62(length: int) -> str:
    return "".join(secrets.choice(BASE62) for _ in range(length))


def new_pat() -> str:
    """Make a PAT of today's format, 84 characters. Its checksum is made up: no scanner asks for it."""
    platform = f"{secrets.choice(BASE62)}{secrets.choice('ABCDEFGHIJKL')}{_base62(12)}"
    return f"{_base62(52)}{'JQQJ'}{'99'}{platform}{'AAAA'}{'AZDO'}{_base62(4)}"


def old_pat() -> str:
    """Make a PAT of the format before 2024: 52 characters of lower-case base32 with its CRC-32 inside."""
    raw = bytearray(secrets.token_bytes(32))
    payload = bytes(raw[0:2] + raw[3:7] + raw[9:22] + raw[23:32])
    checksum = (zlib.crc32(payload) ^ USER_PAT_SEED).to_bytes(4, "big")
    for position, byte in zip((2, 7, 8, 22), checksum, strict=True):
        raw[position] = byte
    return base64.b32encode(bytes(raw)).decode().rstrip("=").lower()


def access_token() -> str:
    """Make an access token of about 1,800 characters."""
    return secrets.token_urlsafe(1350)


def refresh_token() -> str:
    """Make a refresh token of about 1,400 characters."""
    return "1." + secrets.token_urlsafe(1050)


def authorization_code() -> str:
    """Make an authorization code; Entra's are long enough to hurt a terminal."""
    return "1." + secrets.token_urlsafe(900)


def device_code() -> str:
    """Make a device code."""
    return secrets.token_urlsafe(150)


def user_code() -> str:
    """Make the nine characters that a person types for a device."""
    return "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(9))


def id_token(claims: dict[str, Any]) -> str:
    """Make a JWT that says ``claims``, with a signature that nobody can check."""
    header = {"typ": "JWT", "alg": "RS256", "kid": secrets.token_urlsafe(20)}
    parts = [json.dumps(part).encode() for part in (header, claims)] + [secrets.token_bytes(256)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def claims_of(token: str) -> dict[str, Any]:
    """Read the claims of a JWT without checking it; an empty dictionary if it is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def subject(client: str, identity: str) -> str:
    """Make the pairwise subject under which one client knows an identity."""
    digest = hashlib.sha256(f"{client}/{identity}".encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
