"""Digests of generated tokens: how ``store`` and ``erase`` know what we gave without opening the vault.

Salted with the accounts file's random salt. Only tokens that a machine made are ever digested, never a password that a
person could have chosen and that could be guessed from the digest.
"""

from __future__ import annotations

try:  # the bare algorithm: hashlib, which wraps it, costs 3 ms more
    from _blake2 import blake2b
except ImportError:  # an interpreter built without it
    from hashlib import blake2b

DIGEST_BYTES = 16


def digest(salt: bytes, secret: str) -> str:
    """Return the digest of ``secret`` in hexadecimal digits."""
    data = secret.encode("utf-8", "surrogateescape")
    return blake2b(data, key=salt[:64], digest_size=DIGEST_BYTES).hexdigest()
