"""Machines' identities for tests: apps that the emulator's organizations know, certificates made at run time, an ``az``.

The fake ``az`` prints the recorded answer's shape with a token of the emulator's world.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import os
import sys
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from tests.emulator import metadata
from tests.emulator.default_world import CONTOSO
from tests.emulator.model import App, guid
from tests.support.people import Account, at, of_kind

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator
    from tests.emulator.metadata import ManagedIdentity
    from tests.emulator.world import World

CLIENT = guid("app", "build")
APP = at("contoso/app/_git/app")
LOGIN = "login.microsoftonline.com"
OWN = (CLIENT, CLIENT)


def add_app(world: World, *federated: tuple[str, str], secret: str = "", tenant: str = CONTOSO) -> App:
    """Register an app that the organization contoso lets in."""
    app = App(
        CLIENT,
        "Build",
        public=False,
        tenant=tenant,
        secrets={secret} if secret else set(),
        federated=set(federated),
    )
    world.add_app(app)
    world.organizations["contoso"].members[CLIENT] = "write"
    return app


def give_identity(world: World, name: str = "vm", *, own: bool = True) -> ManagedIdentity:
    """Give the machine an identity that the organization contoso lets in."""
    identity = metadata.new_identity(world, name, CONTOSO)
    world.organizations["contoso"].members[identity.client_id] = "write"
    if own:
        world.machine.own = identity
    else:
        world.machine.assigned.append(identity)
    return identity


def block_of(home: Home, kind: str) -> dict[str, str]:
    """Return the only account of a kind as the accounts file keeps it."""
    (block,) = of_kind(home, kind)
    return block


@functools.cache
def key(number: int = 1) -> rsa.RSAPrivateKey:
    """Make an RSA key, once a test run."""
    assert number
    return rsa.generate_private_key(65537, 2048)


def certificate(of: CertificateIssuerPrivateKeyTypes, name: str = "build") -> x509.Certificate:
    """Make a certificate of a key, signed by itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.timezone.utc)
    public = of.public_key()
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(public)
    builder = builder.serial_number(7).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    return builder.sign(of, hashes.SHA256())


def pem_key(of: CertificateIssuerPrivateKeyTypes, passphrase: str = "") -> bytes:
    """Write a key as PEM."""
    how: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        how = serialization.BestAvailableEncryption(passphrase.encode())
    return of.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


def pem_certificate(of: x509.Certificate) -> bytes:
    """Write a certificate as PEM."""
    return of.public_bytes(serialization.Encoding.PEM)


def write_pem(path: Path, passphrase: str = "") -> x509.Certificate:
    """Write key and certificate into one file; return the certificate."""
    made = certificate(key())
    path.write_bytes(pem_certificate(made) + pem_key(key(), passphrase))
    return made


def write_pfx(path: Path, passphrase: str = "") -> x509.Certificate:
    """Write key, certificate and another one into a PFX; return the certificate."""
    made = certificate(key())
    how: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        how = serialization.BestAvailableEncryption(passphrase.encode())
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(b"build", key(), made, [certificate(key(2), "issuer")], how)
    )
    return made


def install_az(
    home: Home, answers: dict[str, str], *, errors: str = "", code: int = 0, body: str = ""
) -> Path:
    """Put an ``az`` on the home's PATH: it prints the answer for its tenant (or for none); returns its log.

    The log gets one line a call: the folder it ran in, and its words.
    """
    folder = home.folder / "az bin"
    folder.mkdir(exist_ok=True)
    script = folder / "az"
    log = home.folder / "az.log"
    script.write_text(
        f"#!{sys.executable} -I\n"
        "import json, os, sys\n"
        f"with open({str(log)!r}, 'a') as log: log.write(os.getcwd() + ' ' + ' '.join(sys.argv[1:]) + chr(10))\n"
        "tenant = sys.argv[sys.argv.index('--tenant') + 1] if '--tenant' in sys.argv else ''\n"
        f"{body}\n"
        f"sys.stderr.write({errors!r})\n"
        f"if {code}: sys.exit({code})\n"
        f"print(json.loads({json.dumps(answers)!r})[tenant])\n"
    )
    script.chmod(0o755)
    (folder / "az.cmd").write_text(
        f'@"{sys.executable}" -I "%~dp0az" %*\n'
    )  # as on Windows, which reads no first line
    home.environment["PATH"] = f"{folder}{os.pathsep}{home.environment['PATH']}"
    return log


def az_answer(token: str, tenant: str, expires_on: int | None = 1_900_000_000) -> str:
    """Write what ``az account get-access-token`` prints."""
    answer = {
        "accessToken": token,
        "expiresOn": "2030-03-17 17:46:40.000000",
        "expires_on": expires_on,
        "subscription": guid("subscription"),
        "tenant": tenant,
        "tokenType": "Bearer",
    }
    return json.dumps({name: value for name, value in answer.items() if value is not None})


def setup(home: Home, *words: str, given: str = "", vault: str = "file", **environment: str) -> Result:
    """Run ``setup`` with the file vault."""
    return home.azdo("setup", "--vault", vault, *words, given=given, **environment)


def is_taken(emulator: Emulator, password: str) -> bool:
    """Say whether contoso takes the password that ``get`` answered."""
    token = emulator.world.grants.access.get(password)
    return token is not None and token.tenant == CONTOSO


def let_expire(home: Home, kind: str) -> Account:
    """Make the kept token too old to be handed out."""
    account = Account(home, block_of(home, kind)["id"])
    account.let_pass(3_500, block_of(home, kind).get("tenant") or "home")
    return account


def form(emulator: Emulator) -> dict[str, str]:
    """Return the last token request's form."""
    return dict(parse_qsl(emulator.seen(LOGIN, "POST")[-1].body.decode()))
