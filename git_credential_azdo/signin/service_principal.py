"""How a service principal proves itself to Entra: its client secret, or an assertion signed with its certificate.

The secret comes out of the vault, the certificate out of its file, each time anew. Rules: RFC 6749 section 4.4, RFC
7523, Microsoft's "Microsoft identity platform application authentication certificate credentials".
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from git_credential_azdo import hints
from git_credential_azdo.accounts.workload import setup_command
from git_credential_azdo.errors import SignInError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_credential_azdo.accounts.accounts_file import Block

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS = 600


def proof(block: Block, read_secret: Callable[[], str | None]) -> dict[str, str]:
    """Return the fields of the token request that prove who asks.

    Args:
        block: the account's block.
        read_secret: returns the client secret, or the passphrase of the certificate's key, from the vault.

    Raise SignInError for a secret or a certificate that is gone, UsageError without the package ``cryptography``.

    """
    path = block.get("certificate")
    if path:
        passphrase = read_secret() if block.get("passphrase") else None
        return by_assertion(_signed(block, path, passphrase))
    secret = read_secret()
    if not secret:
        raise SignInError(
            f"the client secret of {block.get('client_id')} is no longer in the vault", setup_command(block)
        )
    return {"client_secret": secret}


def by_assertion(assertion: str) -> dict[str, str]:
    """Return the fields that carry an assertion: our own, or another identity provider's."""
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def _signed(block: Block, path: str, passphrase: str | None) -> str:
    try:
        # Lazy: an optional extra, and slow to load where nothing is signed.
        from git_credential_azdo.signin import certificate  # noqa: PLC0415
    except ImportError:
        raise UsageError(
            "to sign with a certificate, the package cryptography is needed",
            f"{hints.inject('cryptography')} (or: {hints.install_extra('certificate')})",
        ) from None
    now = int(time.time())
    claims = {
        "aud": block.get("token_endpoint"),
        "iss": block.get("client_id"),
        "sub": block.get("client_id"),
        "nbf": now,
        "iat": now,
        "exp": now + _ASSERTION_SECONDS,
    }
    return certificate.sign(
        certificate.load(path, passphrase), claims, send_chain=block.get("send_x5c") == "1"
    )
