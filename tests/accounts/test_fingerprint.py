"""The digest of a token: how our own tokens are known again."""

from __future__ import annotations

import hashlib
import sys

import pytest

from git_credential_azdo.accounts.account import digest

SALT = b"5a17" * 8


@pytest.mark.parametrize("secret", ["", "generated", "é", "\udcff", "x" * 10_000])
@pytest.mark.parametrize("salt", [b"", b"5a17", SALT, b"s" * 64])
def test_it_is_keyed_blake2b_of_16_bytes(salt: bytes, secret: str) -> None:
    """The same by hashlib, which costs more to load."""
    data = secret.encode("utf-8", "surrogateescape")

    assert digest(salt, secret) == hashlib.blake2b(data, key=salt, digest_size=16).hexdigest()


def test_it_depends_on_salt_and_secret() -> None:
    """All of the secret, and as much of the salt as the algorithm takes."""
    found = {digest(salt, secret) for salt in (b"", b"a", SALT) for secret in ("", "a", "b", "a" * 3_000)}

    assert len(found) == 12
    assert digest(b"s" * 64, "a") == digest(b"s" * 65, "a")


def test_it_does_not_show_the_secret() -> None:
    """It stands in a file."""
    assert "generated" not in digest(SALT, "generated")
    assert len(digest(SALT, "generated")) == 32


def test_an_interpreter_without_the_bare_algorithm_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another implementation, or a build of one's own."""
    monkeypatch.setitem(sys.modules, "_blake2", None)
    assert digest(SALT, "generated") == hashlib.blake2b(b"generated", key=SALT, digest_size=16).hexdigest()
