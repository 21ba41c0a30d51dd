"""A home with accounts, a stored credential and git configured, whose secrets are in the file vault or in gnome-keyring.

It is put back as it was before each point, and says afterwards what was lost.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import secretstorage
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

from git_credential_azdo.accounts.accounts_file import read
from tests.conftest import Home
from tests.emulator.default_world import ANN, BOB
from tests.support.people import STALE, at, give_pat, sign_in, vault_of
from tests.support.watch import new_password

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.emulator import Emulator
    from tests.support.keyrings import PrivateKeyring
    from tests.support.people import Account

SERVICE = "git-credential-azdo"
SECRET_SERVICE = "keyring.backends.SecretService.Keyring"
SERVER = "https://tfs.example.com"
STORED = at("tfs/app/_git/app", host="tfs.example.com", username="x")


class Entries:
    """All entries of one vault, as texts by name: of the files of a home, or of a private gnome-keyring."""

    def __init__(self, home: Home, keyring: PrivateKeyring | None) -> None:
        self._folder = vault_of(home)
        self._connection = open_dbus_connection(keyring.address) if keyring else None

    def read(self) -> dict[str, str]:
        """Return what is there."""
        if self._connection is None:
            files = (path for path in self._folder.rglob("*") if path.is_file() and path.suffix != ".new")
            return {str(path.relative_to(self._folder)): path.read_text() for path in files}
        return {item.get_attributes()["username"]: item.get_secret().decode() for item in self._items()}

    def replace(self, entries: dict[str, str]) -> None:
        """Let these be there, and no others. The files of a home are put back with the home."""
        if self._connection is None:
            return
        for item in self._items():
            item.delete()
        collection = secretstorage.get_default_collection(self._connection)
        for name, text in entries.items():
            attributes = {"application": "Python keyring library", "service": SERVICE, "username": name}
            collection.create_item(name, attributes, text.encode())

    def _items(self) -> list[secretstorage.Item]:
        return list(secretstorage.search_items(self._connection, {"service": SERVICE}))


class Bench:
    """The home ``home``, with ann (OAuth, contoso), bob (a PAT, fabrikam) and a stored credential for elsewhere."""

    def __init__(self, folder: Path, emulator: Emulator, keyring: PrivateKeyring | None) -> None:
        self.emulator = emulator
        self.keyring = keyring
        self.home = Home(folder / "home")
        self.home.environment |= emulator.environment
        if keyring:
            own = {**keyring.environment, "HOME": str(self.home.folder)}
            self.home.environment |= {
                name: value for name, value in own.items() if not name.startswith("XDG_CONFIG")
            }
        self._snapshot = folder / "snapshot"
        self.vault = SECRET_SERVICE if keyring else "file"
        self.pat = emulator.world.new_pat(BOB, ["fabrikam"])
        self.ann: Account = sign_in(self.home, emulator.world, ANN, "contoso")
        bob = give_pat(self.home, self.pat, BOB, "fabrikam")
        files = Entries(self.home, None).read()
        self.entries = Entries(self.home, keyring)
        if keyring:
            shutil.rmtree(vault_of(self.home))
            text = self.home.accounts_file.read_text().replace("vault=file", f"vault={SECRET_SERVICE}")
            self.home.accounts_file.write_text(text)
            self.entries.replace(files)
        self.password = new_password()
        assert self.home.azdo("server", "add", SERVER).code == 0
        assert self.home.store(*STORED, f"password={self.password}").code == 0
        assert self.home.azdo("configure").code == 0
        self.bob = bob.id
        self.save()

    def save(self) -> None:
        """Let the home, as it is now, be what ``restore`` puts back."""
        shutil.rmtree(self._snapshot, ignore_errors=True)
        shutil.copytree(self.home.folder, self._snapshot, symlinks=True)
        self._saved = self.entries.read()

    def restore(self, *, age: int = 0) -> None:
        """Put the home back; ``age``: the seconds by which ann's access token is older."""
        shutil.rmtree(self.home.folder)
        shutil.copytree(self._snapshot, self.home.folder, symlinks=True)
        self.entries.replace(
            {name: _aged(text, age) if "/access/" in name else text for name, text in self._saved.items()}
        )
        if age:
            if self.vault == "file":
                for path in vault_of(self.home).rglob("access/*"):
                    path.write_text(_aged(path.read_text(), age))
            lines = self.home.accounts_file.read_text().splitlines(keepends=True)
            self.home.accounts_file.write_text("".join(_aged_mark(line, age) for line in lines))

    def losses(self, *, gone: tuple[str, ...] = (), deep: bool = True) -> list[str]:
        """Return what is lost or left over; ``gone``: what the verb takes away (``ann``, ``bob``, ``stored``).

        ``deep``: ask ``get`` for each, too; else only look at the accounts file and the vault.
        """
        path = self.home.accounts_file
        accounts_file = read(path.read_bytes() if path.exists() else b"")
        entries = self.entries.read()
        keys = {account.name: account.id for account in accounts_file.accounts}
        keys["stored"] = next((each.id for each in accounts_file.stored_credentials if each.user == "x"), "")
        alive = [
            token
            for token in self.emulator.world.grants.refresh
            if token in entries.get(f"{keys.get(ANN)}/refresh", "")
        ]
        held = {
            "ann": bool(alive),
            "bob": self.pat in entries.get(f"{keys.get(BOB)}/pat", ""),
            "stored": self.password in entries.get(f"{keys.get('stored')}/typed", ""),
        }
        found = [
            f"the secret of {name}" for name, is_there in held.items() if not is_there and name not in gone
        ]
        if accounts_file.damaged or any(path.parent.glob("*.damaged")):
            found.append("a damaged accounts file")
        if (self.home.folder / ".gitconfig.lock").exists():
            found.append("the lock of git's configuration")
        return [*found, *(self._wrong_answers(gone) if deep else ())]

    def _wrong_answers(self, gone: tuple[str, ...]) -> list[str]:
        asked = {"ann": at(), "bob": at("fabrikam/app/_git/app"), "stored": STORED}
        results = {name: self.home.get(*lines) for name, lines in asked.items() if name not in gone}
        expected = {"ann": self.emulator.world.grants.access, "bob": {self.pat}, "stored": {self.password}}
        found = [
            f"the answer for {name}: {result.err.strip() or result.out[:20]!r}"
            for name, result in results.items()
            if result.fields.get("password") not in expected[name]
        ]
        return [
            *found,
            *(["git's configuration"] if self.home.git("config", "--global", "--list").code else []),
        ]


def _aged(text: str, seconds: int) -> str:
    lines = (line.partition("=") for line in text.split("\n"))
    return "\n".join(
        f"{key}={int(value) - seconds}" if key.endswith("_utc") else f"{key}{equals}{value}"
        for key, equals, value in lines
    )


def _aged_mark(line: str, seconds: int) -> str:
    if not line.startswith("token[]="):
        return line
    tenant, mark, received, *rest = line.rstrip("\n").split(" ")
    return " ".join([tenant, mark, str(int(received) - seconds), *rest]) + "\n"


__all__ = ["SECRET_SERVICE", "STALE", "STORED", "Bench", "Entries"]
