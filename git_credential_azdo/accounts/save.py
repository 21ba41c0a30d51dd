"""Putting a signed-in account in place: secrets into the vault, one block into the registry, bindings that it needs.

Shared by the ways to sign in. Secrets are written first, so that the registry never names what is not there; what
fails or is stopped on the way takes back the secrets it wrote. Whoever signs in again keeps alias, default and bindings.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import PAT, Account, Block, TokenMark
from git_credential_azdo.accounts.accounts_file import BINDING, Registry, read
from git_credential_azdo.accounts.choice import AMBIGUOUS, choose
from git_credential_azdo.accounts.fingerprint import digest
from git_credential_azdo.accounts.update import update
from git_credential_azdo.errors import AzdoError, UsageError, printable, say
from git_credential_azdo.git.address import message_for
from git_credential_azdo.git.target import (
    SERVICES_ADDRESS,
    Collection,
    Organization,
    looks_like_token,
    unquote,
)
from git_credential_azdo.helper.issued import learn
from git_credential_azdo.lock import Lock
from git_credential_azdo.ownership import trouble
from git_credential_azdo.paths import folder, lock_path, read_accounts
from git_credential_azdo.refresh import forget_secrets
from git_credential_azdo.tokens import open_vault, write_secret
from git_credential_azdo.vault.none import NAME as NO_VAULT
from git_credential_azdo.vault.payload import remove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeVar

    from git_credential_azdo.git.protocol import Pair
    from git_credential_azdo.git.target import AnyOrganization

    Result = TypeVar("Result")

ENROL_SECONDS = 60.0
"""How long one setup waits for another to keep its secrets."""


@dataclass
class Newcomer:
    """An account to put in place.

    ``fields``      the block's keys beside id, kind, alias and vault, without ``org[]``
    ``alias``       the short name that the person gave, if any
    ``secrets``     the vault's entries: what (``refresh``, ``pat``, ``access/TENANT``) to its payload
    ``tokens``      (tenant, secret, received in seconds since the epoch) of the generated tokens among them
    ``chosen``      the organizations that the person named
    ``found``       all that it may serve, ``*`` for every one
    ``tenants``     organization to tenant, as far as it was asked
    ``replaces``    says whether an older account of the same kind is this one, set up again
    """

    kind: str
    fields: list[Pair]
    secrets: dict[str, list[Pair]] = field(repr=False)
    tokens: list[tuple[str, str, int]] = field(repr=False)
    found: Sequence[str]
    alias: str | None = None
    chosen: Sequence[AnyOrganization] = ()
    tenants: Mapping[AnyOrganization, str] = field(default_factory=dict)
    replaces: Callable[[Account], bool] = lambda _older: False


def current_registry() -> Registry:
    """Return the registry as it is now. Raises AzdoError when it cannot be read, or a newer version wrote it."""
    return read(read_accounts())


def check_alias(alias: str | None, registry: Registry, kind: str) -> None:
    """Raise UsageError when the alias cannot be one, or an account that ``setup`` would not replace has it."""
    if alias is None:
        return
    if not alias or alias != printable(alias) or any(each.isspace() or each in "/@:" for each in alias):
        raise UsageError("an alias is one word without / @ :", hints.setup_with_alias())
    if any(account.answers_to(alias) and account.kind != kind for account in registry.accounts):
        raise UsageError(f"another account is named {alias}", hints.accounts())


def enrol(newcomer: Newcomer, vault_name: str) -> Account:
    """Keep the account; return it. Raises VaultError, AzdoError; nothing is listed or kept then that was not before."""
    try:
        with Lock(lock_path("enrol"), ENROL_SECONDS):  # two at once would not know of each other's secrets
            return _enrol(newcomer, vault_name)
    except OSError as error:
        raise trouble("write below", folder(), error, folder()) from error


def _enrol(newcomer: Newcomer, vault_name: str) -> Account:
    before = _replaced(current_registry(), newcomer)
    # Never the old id in another vault: two names may lead to one place, and the old secrets are deleted below.
    identifier = before.id if before and before.vault == vault_name else os.urandom(6).hex()
    secrets = {f"{identifier}/{what}": payload for what, payload in newcomer.secrets.items()}
    is_new = before is None or before.id != identifier
    account = keep(
        secrets, vault_name, lambda registry: put(registry, newcomer, identifier, vault_name), is_new=is_new
    )
    if before and before.id != identifier:
        try:
            forget_secrets(before, open_vault(before.vault))
        except AzdoError as error:
            say("error", f"the old secret of {before.label} is still in {before.vault}: {error.message}")
    return account


def keep(
    secrets: Mapping[str, list[Pair]], vault_name: str, change: Callable[[Registry], Result], *, is_new: bool
) -> Result:
    """Write the secrets, each under its key, then let ``change`` write the accounts file, once; return its result.

    What fails or is stopped on the way takes new secrets back. Callers hold a lock. Raises VaultError, AzdoError.
    """
    vault = open_vault(vault_name)
    salt = update(lambda registry: registry.salt)
    try:
        for key, payload in secrets.items():
            marks = [("digest", digest(salt, value)) for name, value in payload if name == "token"]
            write_secret(vault, key, [*payload, *marks])
        return update(change)
    except BaseException:
        for key in secrets if is_new else ():
            with contextlib.suppress(AzdoError):  # what failed first is what the person must hear of
                remove(vault.read, vault.delete, key)
        raise


def put(registry: Registry, newcomer: Newcomer, identifier: str, vault_name: str) -> Account:
    """Write the account's block: the one of the account that it replaces, else a new one."""
    same = _replaced(registry, newcomer)
    block = same.block if same else Block()
    old = same.id if same else ""
    if not same:
        registry.blocks.append(block)
    block.set("kind", newcomer.kind)
    block.set("id", identifier)
    for key, value in newcomer.fields:
        block.set(key, value or None)
    if newcomer.alias and _is_free(newcomer.alias, registry, identifier, newcomer.replaces):
        block.set("alias", newcomer.alias)
    block.set("vault", vault_name)
    address = place_of(newcomer.found, registry)
    block.set("address", address if address != SERVICES_ADDRESS else None)
    block.set_all("org[]", newcomer.found)
    block.set_all("rejected[]", [])
    block.set("reminded_utc", None)
    account = Account(block)
    fresh = [TokenMark(tenant, digest(registry.salt, secret), at) for tenant, secret, at in newcomer.tokens]
    account.set_marks([*fresh, *account.marks])
    if vault_name != NO_VAULT:
        registry.header.set("vault", vault_name)
    for organization, tenant in newcomer.tenants.items():
        learn(registry, organization, tenant)
    hand_over(registry, old, identifier)
    _let_chosen_lead(registry, account, newcomer.chosen)
    return account


def _is_free(alias: str, registry: Registry, identifier: str, replaces: Callable[[Account], bool]) -> bool:
    taken = any(
        account.answers_to(alias) and account.id != identifier and not replaces(account)
        for account in registry.accounts
    )
    if taken:
        say("error", f"another account is named {alias}, so this one is kept without an alias")
    return not taken


def _replaced(registry: Registry, newcomer: Newcomer) -> Account | None:
    address = place_of(newcomer.found, registry)
    alike = (each for each in registry.accounts if (each.kind, each.address) == (newcomer.kind, address))
    return next((account for account in alike if newcomer.replaces(account)), None)


def hand_over(registry: Registry, old: str, identifier: str) -> None:
    """Let the account ``identifier`` have the bindings of the account ``old``."""
    for block in registry.of_kind(BINDING):
        if old and block.get("account") == old:
            block.set("account", identifier)


def undecided(registry: Registry, account: Account) -> list[AnyOrganization]:
    """Return the organizations that this account lists and that ``get`` could not choose an account for."""
    listed = {name for each in registry.accounts for name in each.organizations}
    found = []
    for organization in sorted(listed):
        choice = choose(registry.remote_at(organization), None, registry)
        if choice.outcome == AMBIGUOUS and any(each.id == account.id for each in choice.candidates):
            found.append(organization)
    return found


def _let_chosen_lead(registry: Registry, account: Account, chosen: Sequence[AnyOrganization]) -> None:
    """Bind an organization that the person named for this account, if another account would be taken there."""
    for organization in chosen:
        taken = choose(registry.remote_at(organization), None, registry).account
        if taken is None or taken.id != account.id:
            bind(registry, organization, account.id)


def bind(registry: Registry, target: str, identifier: str) -> None:
    """Let the account serve the organization or repository."""
    registry.blocks = [
        block for block in registry.blocks if block.get("kind") != BINDING or block.get("target") != target
    ]
    registry.blocks.append(Block([("kind", BINDING), ("target", target), ("account", identifier)]))


def retire_tokens(registry: Registry, newer: Account) -> list[Account]:
    """Take the organizations of a new PAT away from older PATs of the same person; return those left without any.

    They are taken out of the registry; their secrets are the caller's to delete.
    """
    gone = []
    for account in registry.accounts:
        if account.kind != PAT or account.id == newer.id or account.name.lower() != newer.name.lower():
            continue
        left = [each for each in account.listed if each not in newer.listed]
        account.block.set_all("org[]", left)
        if not left:
            gone.append(account)
            registry.blocks.remove(account.block)
            hand_over(registry, account.id, newer.id)
    return gone


def organization_names(given: tuple[str, ...]) -> list[AnyOrganization]:
    """Read organizations as people give them: a name, or an address of it. Raises UsageError.

    One of a host that ``server add --services`` registered, or a registered server's collection, keeps its address.
    """
    names = []
    for text in given:
        name = text.strip().strip("/")
        organization = _at_address(name) if "://" in name else Organization.read(name)
        if organization is None:
            shown = "that" if looks_like_token(name) or "@" in name else name
            raise UsageError(
                f"{shown} is not the name of an organization", f"it is CONTOSO in {SERVICES_ADDRESS}/CONTOSO"
            )
        names.append(organization)
    return list(dict.fromkeys(names))


def _at_address(url: str) -> AnyOrganization | None:
    registry = current_registry()
    remote = registry.remote_of(message_for(url))
    if remote is None or remote.services:
        return remote.organization if remote else None
    if registry.server(remote.address) and remote.path:
        return Collection(remote.address, unquote(remote.path), registry.addresses)
    return None


def place_of(organizations: Iterable[str], registry: Registry) -> str:
    """Return the one address whose organizations these are; Azure DevOps Services for none. Raises UsageError."""
    places = {
        registry.remote_at(name).address
        for name in organizations
        if isinstance(name, (Organization, Collection))
    }
    if len(places) > 1:
        raise UsageError(
            f"an account is for one place, not for {' and '.join(sorted(places))}",
            "run setup for each of them",
        )
    return places.pop() if places else SERVICES_ADDRESS


def now() -> int:
    """Return the time in whole seconds since the epoch."""
    return int(time.time())
