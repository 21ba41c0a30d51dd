"""Putting a signed-in account in place: secrets into the vault, one block into the registry, bindings that it needs.

Shared by the ways to sign in. Secrets are written first, so that the registry never names what is not there.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_credential_azdo.accounts.account import ALL_ORGANIZATIONS, Account, Block, TokenMark
from git_credential_azdo.accounts.choice import choose
from git_credential_azdo.accounts.digest import digest
from git_credential_azdo.accounts.place import registry_path
from git_credential_azdo.accounts.registry import BINDING, Registry, read
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands.feedback import learn
from git_credential_azdo.errors import UsageError
from git_credential_azdo.files import read_file
from git_credential_azdo.git.remote import SERVICES_HOST, Remote
from git_credential_azdo.tokens import open_vault, write_secret

if TYPE_CHECKING:
    from git_credential_azdo.git.wire import Pair


@dataclass
class Newcomer:
    """An account to put in place.

    ``fields``      the block's keys beside id, kind and vault, without ``org[]``
    ``secrets``     the vault's entries: what (``refresh``, ``pat``, ``access/TENANT``) to its payload
    ``tokens``      (tenant, secret, received in seconds since the epoch) of the generated tokens among them
    ``chosen``      the organizations that the person named
    ``found``       all that it may serve, ``*`` for every one
    ``tenants``     organization to tenant, as far as it was asked
    ``same_as``     keys whose values, equal to an older account's, make it the same account; none: always new
    """

    kind: str
    fields: list[Pair]
    secrets: dict[str, list[Pair]] = field(repr=False)
    tokens: list[tuple[str, str, int]] = field(repr=False)
    chosen: list[str]
    found: list[str]
    tenants: dict[str, str]
    same_as: tuple[str, ...]


def current_registry() -> Registry:
    """Return the registry as it is now. Raises ProtocolError when a newer version wrote it."""
    return read(read_file(registry_path()))


def check_alias(alias: str | None, registry: Registry, same: Account | None = None) -> None:
    """Raise UsageError when another account has this alias, or it could not be used as a name."""
    if alias is None:
        return
    if not alias or any(character.isspace() or character in "/@:" for character in alias):
        raise UsageError("an alias is one word without / @ :", "git credential-azdo setup --alias work")
    if any(
        account.answers_to(alias) and (same is None or account.id != same.id) for account in registry.accounts
    ):
        raise UsageError(f"another account is named {alias}", "git credential-azdo accounts")


def enrol(newcomer: Newcomer, vault_name: str) -> Account:
    """Keep the account; return it. Raises VaultError, AzdoError; nothing is listed then that is not kept."""
    fresh = Block([("kind", newcomer.kind), *newcomer.fields])
    before = _same(current_registry(), fresh, newcomer.same_as)
    identifier = before.id if before and before.vault == vault_name else os.urandom(6).hex()
    vault = open_vault(vault_name)
    salt = update(lambda registry: registry.salt)
    for what, payload in newcomer.secrets.items():
        marks = [("digest", digest(salt, value)) for key, value in payload if key == "token"]
        write_secret(vault, f"{identifier}/{what}", [*payload, *marks])

    def put(registry: Registry) -> Account:
        same = _same(registry, fresh, newcomer.same_as)
        block = same.block if same else Block()
        if not same:
            registry.blocks.append(block)
        block.set("kind", newcomer.kind)
        block.set("id", identifier)
        for key, value in newcomer.fields:
            block.set(key, value or None)
        block.set("vault", vault_name)
        block.set_all("org[]", newcomer.found)
        block.set_all("rejected[]", [])
        block.set("reminded_utc", None)
        account = Account(block)
        account.set_marks(
            [
                *(
                    TokenMark(tenant, digest(registry.salt, secret), at)
                    for tenant, secret, at in newcomer.tokens
                ),
                *account.marks,
            ]
        )
        registry.header.set("vault", vault_name)
        for organization, tenant in newcomer.tenants.items():
            learn(registry, organization, tenant)
        _let_chosen_lead(registry, account, newcomer.chosen)
        return account

    return update(put)


def _same(registry: Registry, fresh: Block, keys: tuple[str, ...]) -> Account | None:
    for account in registry.accounts:
        alike = [account.block.get(key).lower() == fresh.get(key).lower() for key in ("kind", *keys)]
        if keys and all(alike):
            return account
    return None


def _let_chosen_lead(registry: Registry, account: Account, chosen: list[str]) -> None:
    """Bind an organization that the person named for this account, if another account would be taken there."""
    for organization in chosen:
        remote = Remote("https", SERVICES_HOST, services=True, organization=organization)
        taken = choose(remote, None, registry).account
        if taken is None or taken.id != account.id:
            bind(registry, organization, account.id)


def bind(registry: Registry, target: str, identifier: str) -> None:
    """Let the account serve the organization or repository."""
    registry.blocks = [
        block for block in registry.blocks if block.get("kind") != BINDING or block.get("target") != target
    ]
    registry.blocks.append(Block([("kind", BINDING), ("target", target), ("account", identifier)]))


def retire_tokens(registry: Registry, name: str, organizations: list[str], but: str) -> list[Account]:
    """Take organizations away from older PATs of the same person; return those that serve none any more.

    They are taken out of the registry; their secrets are the caller's to delete.
    """
    gone = []
    for account in registry.accounts:
        if account.kind != "pat" or account.id == but or account.name.lower() != name.lower():
            continue
        left = [each for each in account.organizations if each not in organizations]
        account.block.set_all("org[]", left)
        if not left:
            gone.append(account)
            registry.blocks.remove(account.block)
    return gone


def organization_names(given: tuple[str, ...]) -> list[str]:
    """Read organizations as people give them: a name, or an address of it. Raises UsageError."""
    names = []
    for text in given:
        name = text.strip().strip("/").lower()
        if "://" in name:
            _, _, rest = name.partition("://")
            host, _, path = rest.partition("/")
            host = host.rpartition("@")[2]
            name = path.partition("/")[0] if host == SERVICES_HOST else host.removesuffix(".visualstudio.com")
        if (
            not name
            or name == ALL_ORGANIZATIONS
            or not name.replace("-", "").replace("_", "").replace(".", "").isalnum()
        ):
            raise UsageError(
                f"{text} is no name of an organization", "it is CONTOSO in https://dev.azure.com/CONTOSO"
            )
        names.append(name)
    return list(dict.fromkeys(names))


def now() -> int:
    """Return the time in whole seconds since the epoch."""
    return int(time.time())
