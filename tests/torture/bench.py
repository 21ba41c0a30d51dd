"""A home with accounts, a stored credential and git configured, whose secrets are in a vault of VAULTS.

It is put back as it was before each point, and says afterwards what was lost.
"""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import secretstorage
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

from git_credential_azdo.accounts.accounts_file import UNSAVED, read
from git_credential_azdo.vault.vaults import FileVault
from tests.conftest import SCRIPT, Home
from tests.emulator.default_world import ANN, BOB
from tests.support.pats import living
from tests.support.people import STALE, at, give_pat, sign_in, vault_of
from tests.support.watch import new_password
from tests.torture import persons, slow_backend

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from tests.conftest import Result as Answer
    from tests.emulator.emulator import Emulator
    from tests.emulator.grants import RefreshToken
    from tests.emulator.model import Pat
    from tests.support.keyrings import PrivateKeyring
    from tests.support.people import Account

Result = TypeVar("Result")

SERVICE = "git-credential-azdo"
SECRET_SERVICE = "keyring.backends.SecretService.Keyring"
VAULTS = {"file": "file", "gnome-keyring": SECRET_SERVICE, "slow": slow_backend.NAME}
SERVER = "https://tfs.example.com"
STORED = at("tfs/app/_git/app", host="tfs.example.com", username="x")
LABS = "contoso-labs"


class Entries:
    """All entries of one vault, as texts by name: of the files of a home, or of a private gnome-keyring."""

    def __init__(self, home: Home, keyring: PrivateKeyring | None = None) -> None:
        self._folder = vault_of(home)
        self._connection = open_dbus_connection(keyring.address) if keyring else None

    def read(self) -> dict[str, str]:
        """Return what is there."""
        if self._connection:
            return {item.get_attributes()["username"]: item.get_secret().decode() for item in self._items()}
        files = (path for path in self._folder.rglob("*") if path.is_file() and path.suffix != ".new")
        texts = {str(path.relative_to(self._folder)): path.read_text() for path in files}
        return {name: json.loads(text) if text[-1:] == '"' else text for name, text in texts.items()}

    def replace(self, entries: dict[str, str]) -> None:
        """Let these be there, and no others."""
        if self._connection is None:
            shutil.rmtree(self._folder, ignore_errors=True)
            vault = FileVault(str(self._folder))
            for name, text in entries.items():
                vault.write(name, text)
            return
        missing = dict(entries)
        for item in self._items():
            name = item.get_attributes()["username"]
            if missing.get(name) == item.get_secret().decode():
                del missing[name]
            else:
                item.delete()
        collection = secretstorage.get_default_collection(self._connection)
        for name, text in missing.items():
            attributes = {"application": "Python keyring library", "service": SERVICE, "username": name}
            collection.create_item(name, attributes, text.encode())

    def _items(self) -> list[secretstorage.Item]:
        return list(secretstorage.search_items(self._connection, {"service": SERVICE}))


class _Snapshot(NamedTuple):
    folder: Path
    entries: dict[str, str]
    pats: list[Pat]
    refresh: dict[str, RefreshToken]


class Bench:
    """The home ``home``, with ann (OAuth, contoso), bob (a PAT, fabrikam) and a stored credential for elsewhere."""

    def __init__(self, folder: Path, emulator: Emulator, keyring: PrivateKeyring | None, vault: str) -> None:
        self.emulator = emulator
        self.keyring = keyring
        self.vault = VAULTS[vault]
        self.home = Home(folder / "home")
        self.home.environment |= emulator.environment | {
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "BROWSER": persons.browser(folder),
        }
        emulator.world.device_interval = 1
        if keyring:
            for name in keyring.environment.keys() - {"HOME", "XDG_CONFIG_HOME"}:
                self.home.environment[name] = keyring.environment[name]
        self._folder = folder
        self._snapshots: dict[Callable[[Bench], None], _Snapshot] = {}
        self.pat = emulator.world.new_pat(BOB, ["fabrikam"])
        self.elsewhere = emulator.world.new_pat(ANN, [LABS])
        self.ann: Account = sign_in(self.home, emulator.world, ANN, "contoso")
        self.bob = give_pat(self.home, self.pat, BOB, "fabrikam").id
        files = Entries(self.home).read()
        text = self.home.accounts_file.read_text().replace("vault=file", f"vault={self.vault}")
        self.home.accounts_file.write_text(text)
        self.entries = Entries(self.home, keyring)
        if keyring:
            shutil.rmtree(vault_of(self.home))
            self.entries.replace(files)
        self.password, self.new_password = new_password(), new_password()
        assert self.home.azdo("server", "add", SERVER).code == 0
        assert self.home.store(*STORED, f"password={self.password}").code == 0
        assert self.home.azdo("configure").code == 0
        self._save(_as_it_is)

    def ask(self, *words: str, given: str = "") -> Answer:
        """Run a command as ``Home.azdo`` does, at a quarter of its cost: for the checks after a point, never what is tortured."""
        return self.home.fork(SCRIPT, *words, given=given, secret_out=words[:1] == ("get",))

    def reliably(self, trial: Callable[[], Result]) -> Result:
        """Return what a trial returns, begun again when gnome-keyring itself ended in it: see ``secret_service.lookup``."""
        while True:
            try:
                result = trial()
            except Exception:
                if not (self.keyring and self.keyring.restarted()):
                    raise
            else:
                if not (self.keyring and self.keyring.restarted()):
                    return result

    def _save(self, made_by: Callable[[Bench], None]) -> None:
        world, folder = self.emulator.world, self._folder / f"snapshot-{len(self._snapshots)}"
        shutil.copytree(self.home.folder, folder, symlinks=True)
        pats, refresh = copy.deepcopy(world.pats), dict(world.grants.refresh)
        self._snapshots[made_by] = _Snapshot(folder, self.entries.read(), pats, refresh)

    def restore(
        self, *, age: int = 0, after: Callable[[Bench], None] | None = None, rotates: bool = False
    ) -> None:
        """Put the home and the world back.

        ``age``: the seconds by which ann's access token is older. ``after``: what is done to the home once, before.
        ``rotates``: whether the authority ends a refresh token when it answers.
        """
        after = after or _as_it_is
        if after not in self._snapshots:
            self.restore()
            after(self)
            self._save(after)
        saved, world = self._snapshots[after], self.emulator.world
        shutil.rmtree(self.home.folder)
        shutil.copytree(saved.folder, self.home.folder, symlinks=True)
        with world.lock:
            world.pats[:] = copy.deepcopy(saved.pats)
            world.grants.refresh, world.grants.rotates = dict(saved.refresh), rotates
        self.entries.replace(
            {name: _aged(text, age) if "/access/" in name else text for name, text in saved.entries.items()}
        )
        if age:
            lines = self.home.accounts_file.read_text().splitlines(keepends=True)
            self.home.accounts_file.write_text("".join(_aged_mark(line, age) for line in lines))

    def losses(self, *, gone: tuple[str, ...] = (), deep: bool = True) -> list[str]:
        """Return what is lost or left over.

        ``gone``: what the verb takes away (``ann``, ``bob``, ``stored``), or makes ambiguous (``labs``).
        ``deep``: ask ``get`` for each, too, and let ``logout --all`` leave no secret; else only look at the accounts
        file and the vault.
        """
        path = self.home.accounts_file
        data = path.read_bytes() if path.exists() else b""
        accounts_file, entries = read(data), self.entries.read()
        keys = {account.name: account.id for account in accounts_file.accounts if not account.is_pat}
        keys |= {account.name: account.id for account in accounts_file.accounts if account.lists("fabrikam")}
        keys["stored"] = next((each.id for each in accounts_file.stored_credentials if each.user == "x"), "")

        def text_of(key: str) -> str:
            return "".join(entries[name] for name in sorted(entries) if name.partition("#")[0] == key)

        refresh, stored = text_of(f"{keys.get(ANN)}/refresh"), text_of(f"{keys['stored']}/typed")
        held = {
            "ann": any(token in refresh for token in self.emulator.world.grants.refresh),
            "bob": self.pat in entries.get(f"{keys.get(BOB)}/pat", ""),
            "stored": any(password in stored for password in (self.password, self.new_password)),
        }
        found = [
            f"the secret of {name}" for name, is_there in held.items() if not is_there and name not in gone
        ]
        if accounts_file.damaged or any(path.parent.glob("*.damaged")):
            found.append("a damaged accounts file")
        if (self.home.folder / ".gitconfig.lock").exists():
            found.append("the lock of git's configuration")
        found += self._unheld(accounts_file, entries)
        journal = path.with_name("entries")
        listed = journal.read_text() if journal.is_file() else ""
        found += [
            f"an entry without a name: {name}"
            for name in entries
            if f"id={name.partition('/')[0]}".encode() not in data and f" {name}\n" not in listed
        ]
        return [*found, *([*self._wrong_answers(gone), *self._left()] if deep else ())]

    def _unheld(self, accounts_file: AccountsFile, entries: dict[str, str]) -> list[str]:
        """Return the living tokens that neither an account nor a note in the accounts file has, and accounts of dead ones."""
        noted = {
            block.get(key)
            for block in accounts_file.of_kind(UNSAVED)
            for key in ("token_name", "authorization_id")
        }
        texts = [entries.get(account.key("pat"), "") for account in accounts_file.accounts]
        dead = [
            pat
            for pat in self.emulator.world.pats
            if pat.revoked and any(pat.token in text for text in texts)
        ]
        return [f"an account whose token is revoked: {pat.name}" for pat in dead] + [
            f"a living token at Azure DevOps: {pat.name}"
            for pat in living(self.emulator)
            if pat.token not in {self.pat, self.elsewhere} and not noted & {pat.name, pat.id}
            if not any(pat.token in text for text in texts)
        ]

    def _wrong_answers(self, gone: tuple[str, ...]) -> list[str]:
        asked = {
            "ann": at(),
            "bob": at("fabrikam/app/_git/app"),
            "stored": STORED,
            "labs": at(f"{LABS}/app/_git/app"),
        }
        gone = (*gone, *(("labs",) if "ann" in gone else ()))
        results = {
            name: self.ask("get", given="".join(f"{line}\n" for line in lines))
            for name, lines in asked.items()
            if name not in gone
        }
        anns = {*self.emulator.world.grants.access, *(pat.token for pat in living(self.emulator))}
        expected = {
            "ann": anns,
            "labs": anns,
            "bob": {self.pat},
            "stored": {self.password, self.new_password},
        }
        found = [
            f"the answer for {name}: {result.err.strip() or result.out[:20]!r}"
            for name, result in results.items()
            if result.fields.get("password") not in expected[name]
        ]
        return [
            *found,
            *(["git's configuration"] if self.home.git("config", "--global", "--list").code else []),
        ]

    def _left(self) -> list[str]:
        """Return what ``logout --all`` leaves of secrets."""
        done = self.ask("logout", "--all")
        found = [f"logout --all: {done.err.strip()}"] if done.code else []
        found += [f"left by logout --all: {name}" for name in self.entries.read()]
        files = [path for path in self.home.accounts_file.parent.rglob("*") if path.is_file()]
        secret = (b"token=", b"password=", b"token\\u", b"secret=")
        return found + [
            f"a file with a secret after logout --all: {path.name}"
            for path in files
            if any(word in path.read_bytes() for word in secret)
        ]


def _as_it_is(_bench: Bench) -> None:
    """Change nothing."""


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


__all__ = ["LABS", "SECRET_SERVICE", "STALE", "STORED", "VAULTS", "Bench", "Entries"]
