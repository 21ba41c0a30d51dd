"""Homes to measure in: registries and vaults as ``setup`` leaves them, with tokens that the emulator takes.

Every home is one person's: ann, of the tenant contoso. Formats: docstrings of ``accounts/account`` and ``vault/payload``.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import secretstorage
from keyring.backends import SecretService

from git_credential_azdo.accounts.account import digest
from tests.emulator.default_world import ANN, CONTOSO
from tests.emulator.model import RESOURCE, VISUAL_STUDIO

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.world import World

FILE = "file"
SECRET_SERVICE = "keyring.backends.SecretService.Keyring"
FILE_KEYRING = "file_keyring.FileKeyring"
SERVICE = "git-credential-azdo"
SALT = "00112233445566778899aabbccddeeff"
SCOPE = f"{RESOURCE}/.default offline_access openid profile"
HOUR = 3599
ASK = "protocol=https\nhost=dev.azure.com\npath=contoso/app/_git/app\n"
TENANT_TOLD = (
    "wwwauth[]=Bearer authorization_uri=https://login.microsoftonline.com/" + CONTOSO + "\n"
    'wwwauth[]=Basic realm="https://dev.azure.com/"\nwwwauth[]=TFS-Federated\n'
)


class AccountHome:
    """A home folder with ann's account, its secrets in ``vault``; ``others`` accounts stand before it.

    The vault's entries begin with ``identifier``: each home has its own, since they share one Secret Service.
    """

    def __init__(self, folder: Path, world: World, vault: str, *, identifier: str, others: int = 0) -> None:
        self.folder = folder
        self.identifier = identifier
        self._world = world
        self._vault = vault
        self._others = others
        self.token = world.new_access_token(ANN, CONTOSO)
        self._refresh_token = world.grants.new_refresh(ANN, VISUAL_STUDIO, SCOPE).value
        os.makedirs(self.config, mode=0o700)
        self.fill(HOUR)

    @property
    def config(self) -> Path:
        """Our folder in this home."""
        return self.folder / ".config" / SERVICE

    @property
    def accounts_file(self) -> Path:
        """The accounts file."""
        return self.config / "accounts"

    def fill(self, seconds: int) -> None:
        """Write accounts file and vault, the access token with so many seconds to live."""
        now = int(time.time())
        mark = digest(SALT.encode(), self.token)
        received = now + seconds - HOUR
        blocks = [f"version=1\nsalt={SALT}\nvault={self._vault}\n"]
        blocks += [self._other(number, now) for number in range(self._others)]
        blocks.append(self._account(mark, received))
        blocks.append(f"kind=learned\norganization=contoso\ntenant={CONTOSO}\n")
        self.accounts_file.write_text("\n".join(blocks))
        self._keep("refresh", f"token={self._refresh_token}\nreceived_utc={received}")
        live = f"received_utc={received}\nexpires_utc={now + seconds}\ndigest={mark}"
        self._keep(f"access/{CONTOSO}", f"token={self.token}\n{live}")

    def make_stale(self) -> None:
        """Let the access token be at its end, everything else as it was first."""
        self.fill(0)

    def store_lines(self, *, state: bool) -> str:
        """Return what git hands to ``store`` after it was given the token."""
        lines = f"{ASK}username={ANN}\npassword={self.token}\npassword_expiry_utc={int(time.time()) + HOUR}\n"
        mark = digest(SALT.encode(), self.token)
        told = f"state[]=azdo:{self.identifier}:{CONTOSO}:{mark}\n"
        return f"capability[]=authtype\ncapability[]=state\n{lines}{told}" if state else lines

    def _account(self, mark: str, received: int) -> str:
        endpoint = f"https://login.microsoftonline.com/{CONTOSO}"
        return (
            f"kind=oauth\nid={self.identifier}\nname={ANN}\nsubject=subject\ntenant={CONTOSO}\n"
            f"authority={endpoint}\ntoken_endpoint={endpoint}/oauth2/v2.0/token\nclient_id={VISUAL_STUDIO}\n"
            f"redirect_uri=http://localhost\nscope={SCOPE}\nvault={self._vault}\norg[]=contoso\norg[]=contoso-labs\n"
            f"token[]={CONTOSO} {mark} {received}\n"
        )

    def _other(self, number: int, now: int) -> str:
        tenant = f"{number:08x}-2222-3333-4444-555555555555"
        endpoint = f"https://login.microsoftonline.com/{tenant}"
        marks = "".join(f"token[]={tenant} {os.urandom(16).hex()} {now}\n" for _ in range(2))
        return (
            f"kind=oauth\nid={number:012x}\nname=person{number}@example.com\nsubject=s\ntenant={tenant}\n"
            f"authority={endpoint}\ntoken_endpoint={endpoint}/oauth2/v2.0/token\nclient_id={VISUAL_STUDIO}\n"
            f"redirect_uri=http://localhost\nscope={SCOPE}\nvault={self._vault}\norg[]=organization-{number}\n{marks}"
        )

    def _keep(self, what: str, payload: str) -> None:
        if self._vault == SECRET_SERVICE:
            keep_in_keyring(f"{self.identifier}/{what}", payload)
            return
        path = self.config / "vault" / self.identifier / what
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(payload)


def keep_in_keyring(entry: str, payload: str, service: str = SERVICE) -> None:
    """Write an entry to the Secret Service that the environment leads to."""
    SecretService.Keyring().set_password(service, entry, payload)  # type: ignore[no-untyped-call]


def keep_for_c_helper(user: str, secret: str) -> None:
    """Write what git's C helper finds for dev.azure.com; it cannot be told by ``store``: that took 1,023 bytes a line.

    Attributes: git: contrib/credential/libsecret, make_attr_list; libsecret's schema for network passwords.
    """
    attributes = {"xdg:schema": "org.gnome.keyring.NetworkPassword", "user": user, "protocol": "https"}
    connection = secretstorage.dbus_init()
    collection = secretstorage.get_default_collection(connection)
    attributes["server"] = "dev.azure.com"
    collection.create_item("Git: https://dev.azure.com/", attributes, secret.encode(), replace=True)
    connection.close()
