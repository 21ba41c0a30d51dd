"""Reads a certificate and its key from a file, and signs assertions. The only module that imports ``cryptography``.

``cryptography`` is the optional extra ``certificate``: import this module only to sign. The key must never leave it.
Form: RFC 7515 (JWS) with PS256 and ``x5t#S256``, as Microsoft's page on certificate credentials requires.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Mapping
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from git_credential_azdo import hints
from git_credential_azdo.errors import PassphraseNeeded, SignInError
from git_credential_azdo.files import read_file
from git_credential_azdo.signin.oauth import base64url

_PEM_KEY = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_MAX_BYTES = 1024 * 1024


class Certificate(NamedTuple):
    """An RSA key, and its certificate followed by the others in the file."""

    key: rsa.RSAPrivateKey
    chain: list[x509.Certificate]


def load(path: str, passphrase: str | None) -> Certificate:
    """Return the key and certificate from a PEM file that holds both, or from a PFX (PKCS #12) file.

    Raise PassphraseNeeded, or SignInError for a file that does not hold an RSA key and its certificate.
    """
    try:
        data = read_file(path, _MAX_BYTES)
    except OSError as error:
        raise SignInError(
            f"the certificate {path} cannot be read ({error.strerror or type(error).__name__})",
            hints.setup_service_principal(certificate=True),
        ) from None
    word = passphrase.encode("utf-8") if passphrase else None
    key, found = _read_pem(path, data, word) if b"-----BEGIN " in data else _read_pfx(path, data, word)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SignInError(
            f"{path} contains no RSA key", "the file must contain the certificate and its RSA key"
        )
    own = [each for each in found if each.public_key() == key.public_key()]
    if not own:
        raise SignInError(
            f"{path} contains no certificate for its key", "put the certificate and its key into one file"
        )
    return Certificate(key, [own[0], *(each for each in found if each != own[0])])


def sign(certificate: Certificate, claims: Mapping[str, object], *, send_chain: bool) -> str:
    """Return the claims as a signed JWT with a unique id.

    ``send_chain`` adds the certificates (``x5c``), for apps that trust by subject and issuer.
    """
    header: dict[str, object] = {
        "alg": "PS256",
        "typ": "JWT",
        "x5t#S256": base64url(certificate.chain[0].fingerprint(hashes.SHA256())),
    }
    if send_chain:
        header["x5c"] = [
            base64.b64encode(each.public_bytes(serialization.Encoding.DER)).decode("ascii")
            for each in certificate.chain
        ]
    signed = ".".join(
        base64url(json.dumps(part).encode()) for part in (header, {**claims, "jti": str(uuid.uuid4())})
    )
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    return f"{signed}.{base64url(certificate.key.sign(signed.encode('ascii'), pss, hashes.SHA256()))}"


def _read_pem(path: str, data: bytes, word: bytes | None) -> tuple[object, list[x509.Certificate]]:
    match = _PEM_KEY.search(data)
    if not match:
        raise SignInError(f"{path} contains no private key", "put the certificate and its key into one file")
    protected = b"ENCRYPTED" in match[0]
    try:
        found = x509.load_pem_x509_certificates(data)
        if protected and word is None:
            raise _ask(path)
        return serialization.load_pem_private_key(match[0], word if protected else None), found
    except (ValueError, UnsupportedAlgorithm):
        raise _ask(path, wrong=True) if protected else _odd(path) from None


def _read_pfx(path: str, data: bytes, word: bytes | None) -> tuple[object, list[x509.Certificate]]:
    try:
        key, own, others = pkcs12.load_key_and_certificates(data, word)
    except (ValueError, UnsupportedAlgorithm) as error:
        # The same class for a wrong passphrase and for a file that is not a PFX: only the text differs.
        asks = "password" in str(error).lower()
        raise (_ask(path, wrong=word is not None) if asks else _odd(path)) from None
    return key, [*([own] if own else []), *others]


def _ask(path: str, *, wrong: bool = False) -> PassphraseNeeded:
    return PassphraseNeeded(
        f"the passphrase of {path} is wrong" if wrong else f"the key in {path} needs its passphrase",
        hints.setup_service_principal(certificate=True),
    )


def _odd(path: str) -> SignInError:
    return SignInError(f"{path} is not a readable PEM or PFX file", "give the certificate with its key")
