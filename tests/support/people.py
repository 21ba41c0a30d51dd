"""Accounts put into a home as ``setup`` leaves them, without running it: ``setup`` has tests of its own.

The tokens are known to the emulator's world, so that everything after ``setup`` is real. Time passes by moving the
kept moments back, never by waiting. Shapes: the accounts file's blocks and the vault's entries as the program documents
them.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from typing import TYPE_CHECKING

from git_credential_azdo.accounts.account import digest
from git_credential_azdo.git.protocol import format_pairs, parse_pairs, split_blocks
from git_credential_azdo.vault.vaults import FileVault
from tests.emulator.default_world import ANN, CONTOSO
from tests.emulator.model import RESOURCE, VISUAL_STUDIO
from tests.support.watch import WATCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from git_credential_azdo.git.protocol import Pair
    from tests.conftest import Home, Result
    from tests.emulator.world import World

SALT = "00112233445566778899aabbccddeeff"
SCOPE = f"{RESOURCE}/.default offline_access openid profile"
TOKEN_ENDPOINT = "https://login.microsoftonline.com/organizations/oauth2/v2.0/token"
LIFE = 3_600
NO_NETWORK = "socks4://127.0.0.1:1"
"""A proxy that is not supported: each request fails at once, and no name server is asked."""
STALE = LIFE - 200
OLD = LIFE // 2
"""The age of a token that lives and is not new."""
WARM = "aa11"
TENANT = "11111111-2222-3333-4444-555555555555"


class Account:
    """One account in a home: its id, and what the accounts file and the vault keep of it."""

    def __init__(self, home: Home, identifier: str) -> None:
        self.home = home
        self.id = identifier
        self.vault = FileVault(str(vault_of(home)))

    def secret(self, what: str) -> dict[str, str]:
        """Return the vault's entry ``refresh``, ``pat`` or ``access/TENANT`` by its lines; empty without one."""
        text = self.vault.read(f"{self.id}/{what}") or ""
        if text.startswith('"'):  # how a keyring of another package keeps several lines
            text = json.loads(text)
        return dict(line.split("=", 1) for line in text.splitlines())

    def keep(self, what: str, **lines: str) -> None:
        """Change lines of the vault's entry."""
        pairs = {**self.secret(what), **lines}
        self.vault.write(f"{self.id}/{what}", format_pairs(pairs.items()).decode())

    def token(self, tenant: str = CONTOSO) -> str:
        """Return the access token that is kept for the tenant."""
        return self.secret(f"access/{tenant}").get("token", "")

    def let_pass(self, seconds: int, tenant: str = CONTOSO) -> None:
        """Move everything that we know of the tenant's token, and of refusals, into the past."""
        what = f"access/{tenant}"
        moments = {key: str(int(self.secret(what)[key]) - seconds) for key in ("received_utc", "expires_utc")}
        self.keep(what, **moments)
        for key in ("token[]", "rejected[]"):
            self.set_all(key, [_moved(value, seconds) for value in self.all(key)])

    def all(self, key: str) -> list[str]:
        """Return the values of a key of the account's block in the accounts file."""
        return [value for name, value in self._block() if name == key]

    def set_all(self, key: str, values: Iterable[str]) -> None:
        """Let a key of the account's block have these values."""
        rest = [pair for pair in self._block() if pair[0] != key]
        self._write_block([*rest, *((key, value) for value in values)])

    def _block(self) -> list[Pair]:
        return next(pairs for pairs in blocks(self.home) if ("id", self.id) in pairs)

    def _write_block(self, block: list[Pair]) -> None:
        every = [block if ("id", self.id) in pairs else pairs for pairs in blocks(self.home)]
        self.home.write_accounts_file("\n".join(format_pairs(pairs).decode() for pairs in every))


def vault_of(home: Home) -> Path:
    """Return the folder of the home's file vault."""
    return home.accounts_file.parent / "vault"


def blocks(home: Home) -> list[list[Pair]]:
    """Return the accounts file's blocks, the header first."""
    data = home.accounts_file.read_bytes() if home.accounts_file.exists() else b""
    return [parse_pairs(raw) for raw in split_blocks(data)]


def of_kind(home: Home, kind: str) -> list[dict[str, str]]:
    """Return the accounts file's accounts of a kind; of repeated keys the last value."""
    return [dict(pairs) for pairs in blocks(home) if ("kind", kind) in pairs]


def add_block(home: Home, *pairs: Pair) -> None:
    """Append a block to the accounts file, which gets its header first."""
    every = blocks(home) or [[("version", "1"), ("salt", SALT), ("vault", "file")]]
    home.write_accounts_file("\n".join(format_pairs(block).decode() for block in [*every, list(pairs)]))


def learn(home: Home, organization: str, tenant: str) -> None:
    """Let the organization's tenant be known."""
    add_block(home, ("kind", "learned"), ("organization", organization), ("tenant", tenant))


def bind(home: Home, target: str, account: Account) -> None:
    """Bind an organization or a repository to the account, as ``use`` does."""
    add_block(home, ("kind", "binding"), ("target", target), ("account", account.id))


def sign_in(
    home: Home,
    world: World,
    person: str = ANN,
    *organizations: str,
    tenant: str = CONTOSO,
    vault: str = "file",
    fields: Mapping[str, str] | None = None,
) -> Account:
    """Put a person's OAuth account in place, with a live token of the home tenant; its organizations are learned.

    ``fields`` are more keys of its block: ``alias``, ``default``, ``authtype``.
    """
    account = Account(home, uuid.uuid4().hex[:12])
    now = int(time.time())
    access = world.new_access_token(person, tenant, seconds=LIFE)
    refresh = world.grants.new_refresh(person, VISUAL_STUDIO, SCOPE).value
    mark = digest(SALT.encode(), access)
    account.keep(
        "refresh", token=refresh, received_utc=str(now), origin=TOKEN_ENDPOINT.partition("/organ")[0]
    )
    moments = {"received_utc": str(now), "expires_utc": str(now + LIFE)}
    account.keep(f"access/{tenant}", token=access, digest=mark, **moments)
    add_block(
        home,
        ("kind", "oauth"),
        ("id", account.id),
        ("name", person),
        ("tenant", tenant),
        ("token_endpoint", TOKEN_ENDPOINT),
        ("client_id", VISUAL_STUDIO),
        ("scope", SCOPE),
        ("vault", vault),
        *(fields or {}).items(),
        *(("org[]", name) for name in organizations),
        ("token[]", f"{tenant} {mark} {now}"),
    )
    for name in organizations:
        learn(home, name, tenant)
    return account


def give_pat(
    home: Home, token: str, person: str, *organizations: str, expires_in: int | None = None
) -> Account:
    """Put a personal access token in place for these organizations (``*``: all); ``expires_in`` in seconds."""
    account = Account(home, uuid.uuid4().hex[:12])
    now = int(time.time())
    mark = digest(SALT.encode(), token)
    account.keep("pat", token=token, digest=mark)
    end = [] if expires_in is None else [("expires_utc", str(now + expires_in))]
    add_block(
        home,
        ("kind", "pat"),
        ("id", account.id),
        ("name", person),
        *end,
        ("vault", "file"),
        *(("org[]", name) for name in organizations),
        ("token[]", f"- {mark} {now}"),
    )
    return account


def everything_saved(home: Home) -> dict[str, tuple[bytes, int]]:
    """Return every file of ours (locks aside) by name: its bytes and when it was written."""
    folder = home.accounts_file.parent
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and "lock" not in str(path.relative_to(folder))
    }


def warm_up(home: Home) -> str:
    """Put an account with a live token of no world into the file vault; return the token."""
    token = WATCH.remember("warm" + os.urandom(600).hex())
    home.environment["https_proxy"] = NO_NETWORK
    now = int(time.time())
    mark = digest(b"00", token)
    home.write_accounts_file(
        f"""version=1
salt=00
vault=file

kind=oauth
id={WARM}
name=ann@contoso.com
tenant={TENANT}
vault=file
org[]=contoso
token[]={TENANT} {mark} {now}

kind=learned
organization=contoso
tenant={TENANT}
"""
    )
    folder = home.accounts_file.parent / "vault" / WARM / "access"
    folder.mkdir(parents=True)
    (folder / TENANT).write_text(
        f"token={token}\nreceived_utc={now}\nexpires_utc={now + 3600}\ndigest={mark}", newline="\n"
    )
    return token


def vault_bytes(home: Home) -> dict[str, bytes]:
    """Return what the vault's files hold."""
    return {name: kept for name, (kept, _) in everything_saved(home).items() if name.startswith("vault")}


def learned(home: Home, organization: str) -> list[str]:
    """Return the tenants that the organization is known to belong to."""
    return [dict(block)["tenant"] for block in blocks(home) if ("organization", organization) in block]


def forget_failures(home: Home) -> None:
    """Let the next ``get`` ask, whatever the last one was refused with; the file's other lines stay as they are."""
    lines = home.accounts_file.read_text().splitlines(keepends=True)
    home.accounts_file.write_text("".join(line for line in lines if not line.startswith("failed[]=")))


def bytes_saved(home: Home) -> dict[str, bytes]:
    """Return every file of ours (locks aside) by name."""
    return {name: data for name, (data, _) in everything_saved(home).items()}


def at(
    path: str | None = "contoso/app/_git/app",
    host: str = "dev.azure.com",
    protocol: str = "https",
    **more: str,
) -> list[str]:
    """Return the lines of a request; without a path when it is None."""
    lines = {"protocol": protocol, "host": host, **({} if path is None else {"path": path}), **more}
    return [f"{key}={value}" for key, value in lines.items()]


def challenge(tenant: str) -> list[str]:
    """Return the lines by which a git of 2.41 or newer passes on whose tenant the organization is."""
    bearer = f"Bearer authorization_uri=https://login.microsoftonline.com/{tenant}"
    return [f"wwwauth[]={bearer}", 'wwwauth[]=Basic realm="https://tfsprodneu2.visualstudio.com/"']


def _moved(text: str, seconds: int) -> str:
    """Move the last number of a mark (``TENANT DIGEST MOMENT [dropped]``, ``ORGANIZATION MOMENT``) back."""
    words = text.split(" ")
    where = max(index for index, word in enumerate(words) if len(word) == 10 and word.isdigit())
    words[where] = str(int(words[where]) - seconds)
    return " ".join(words)


def assert_refused(result: Result, *texts: str) -> None:
    """Expect one error line with these texts, at most one hint line, and that git is told to stop."""
    assert (result.out, result.code) == ("quit=1\n", 0)
    error, *hints = result.err.splitlines()
    assert error.startswith("git-credential-azdo: error: ")
    assert all(text in error for text in texts), result.err
    assert all(line.startswith("git-credential-azdo: hint: ") for line in hints)
    assert len(hints) <= 1
