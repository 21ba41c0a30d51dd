"""Saving a signed-in account: its secrets to the vault, its block and the bindings it needs to the accounts file.

When an account signs in again, its alias, default and bindings stay. Also finds the account, the organization and the
address that the user names.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import PAT, Account, Block, IssuedToken, digest
from git_credential_azdo.accounts.accounts_file import SERVER, AccountsFile
from git_credential_azdo.accounts.choice import AMBIGUOUS, answers_to, choose, unique_name, unique_names
from git_credential_azdo.accounts.update import SETUP_LOCK, clear_failures, holding_lock, save_secrets
from git_credential_azdo.errors import UsageError, looks_like_token, may_repeat, printable, quote, say
from git_credential_azdo.git.address import message_for
from git_credential_azdo.git.protocol import Pair
from git_credential_azdo.git.target import (
    SERVICES_ADDRESS,
    AnyOrganization,
    Collection,
    Organization,
    unquote,
)
from git_credential_azdo.vault import vaults

MADE_KEYS = ("authorization_id", "made_by", "token_name", "scope", "days")
"""Keys of a PAT's block that only a token created by ``pat create`` has: its id at Azure DevOps, the account that
created it, its name there, its scopes, and the requested lifetime in days."""


@dataclass
class NewAccount:
    """An account to save.

    ``fields``      the block's keys besides id, kind, alias, vault and ``org[]``
    ``alias``       the short name that the user gave, if any
    ``secrets``     the payload of each vault entry, by ``refresh``, ``pat`` or ``access/TENANT``
    ``tokens``      (tenant, secret, received in seconds since the epoch) of the generated tokens among them
    ``chosen``      the organizations that the user named
    ``found``       all organizations that it may serve, ``*`` for every one
    ``tenants``     the tenant of each organization, as far as it is known
    ``replaces``    returns whether an older account of the same kind is this one, set up again
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


def new_pat(
    name: str,
    token: str,
    found: Sequence[str],
    *,
    expires_utc: int | None,
    chosen: Sequence[AnyOrganization] = (),
    alias: str | None = None,
    made: Mapping[str, str] | None = None,
    replaces: Callable[[Account], bool] | None = None,
) -> NewAccount:
    """Return the account for a verified personal access token of a user for the organizations ``found``.

    ``made``: for a token created by ``pat create``, what ``pat rotate`` needs (MADE_KEYS). ``replaces``: as in
    NewAccount; by default an account of the same user whose organizations the new token all serves.
    """

    def serves_more(older: Account) -> bool:
        return older.name.lower() == name.lower() and set(older.listed) <= set(found)

    made = {**dict.fromkeys(MADE_KEYS, ""), **(made or {})}
    return NewAccount(
        kind=PAT,
        fields=[("name", name), ("expires_utc", str(expires_utc or "")), *made.items()],
        alias=alias,
        secrets={"pat": [("token", token)]},
        tokens=[("", token, now())],
        chosen=chosen,
        found=found,
        replaces=replaces or serves_more,
    )


def check_alias(alias: str | None, others: Iterable[Account], cure: str) -> None:
    """Raise UsageError when the alias is invalid, with ``cure`` as the hint, or when one of the ``others`` has it."""
    if alias is None:
        return
    odd = alias != printable(alias) or any(each.isspace() or each in "/@:" for each in alias)
    if not alias or odd or looks_like_token(alias):
        raise UsageError("an alias is one word without / @ : and shorter than a token", cure)
    if any(account.is_named(alias) for account in others):
        raise UsageError(f"another account is named {alias}", hints.accounts())


def save_account(
    new_account: NewAccount, vault_name: str, then: Callable[[AccountsFile], None] = lambda _written: None
) -> Account:
    """Save the account and its secrets, and what ``then`` changes; return the account. Raise VaultError, AzdoError."""

    def change(accounts_file: AccountsFile) -> Account:
        account = put(accounts_file, new_account, identifier, vault_name)
        if account.is_pat:
            accounts_file.retire_tokens(account)
        then(accounts_file)
        return account

    # Always under a new id: no secret is overwritten, and the accounts file decides which id is in use.
    identifier = os.urandom(6).hex()
    secrets = {f"{identifier}/{what}": payload for what, payload in new_account.secrets.items()}
    with holding_lock(SETUP_LOCK):  # two processes at once would not know each other's secrets
        older = _replaced(AccountsFile.load(), new_account)
        # No refresh may write under the old id.
        with holding_lock(older.id) if older else contextlib.nullcontext():
            return save_secrets(secrets, vault_name, change)


def put(accounts_file: AccountsFile, new_account: NewAccount, identifier: str, vault_name: str) -> Account:
    """Write the account into the block of the account that it replaces, else into a new one; return it."""
    same = _replaced(accounts_file, new_account)
    block = same.block if same else Block()
    old = same.id if same else ""
    if not same:
        accounts_file.blocks.append(block)
    block.set("kind", new_account.kind)
    block.set("id", identifier)
    for key, value in new_account.fields:
        block.set(key, value or None)
    alias = new_account.alias
    others = [
        each for each in accounts_file.accounts if each.id != identifier and not new_account.replaces(each)
    ]
    if alias and any(each.is_named(alias) for each in others):
        say("error", f"another account is named {alias}, so this one is saved without an alias")
    elif alias:
        block.set("alias", alias)
    block.set("vault", vault_name)
    address = address_of(new_account.found, accounts_file)
    block.set("address", address if address != SERVICES_ADDRESS else None)
    if address not in {SERVICES_ADDRESS, *accounts_file.addresses}:
        accounts_file.blocks.append(Block([("kind", SERVER), ("address", address)]))
    block.set_all("org[]", new_account.found)
    block.set_all("rejected[]", [])
    block.set("reminded_utc", None)
    account = Account(block)
    clear_failures(account)
    salt = accounts_file.salt
    fresh = [IssuedToken(tenant, digest(salt, secret), at) for tenant, secret, at in new_account.tokens]
    account.set_issued_tokens([*fresh, *account.issued_tokens])
    if vault_name != vaults.NONE:
        accounts_file.header.set("vault", vault_name)
    for organization, tenant in new_account.tenants.items():
        accounts_file.learn(organization, tenant)
    accounts_file.move_bindings(old, identifier)
    for organization in new_account.chosen:
        # An organization that the user named is bound, if another account would be chosen for it.
        taken = choose(accounts_file.target_at(organization), None, accounts_file).account
        if taken is None or taken.id != account.id:
            accounts_file.bind(organization, account.id)
    return account


def _replaced(accounts_file: AccountsFile, new_account: NewAccount) -> Account | None:
    address = address_of(new_account.found, accounts_file)
    alike = (
        each for each in accounts_file.accounts if (each.kind, each.address) == (new_account.kind, address)
    )
    return next((account for account in alike if new_account.replaces(account)), None)


def undecided(accounts_file: AccountsFile, account: Account) -> dict[AnyOrganization, list[Account]]:
    """Return the organizations for which ``get`` cannot choose between this account and others, with all of these."""
    listed = {name for each in accounts_file.accounts for name in each.organizations}
    found = {}
    for organization in sorted(listed):
        choice = choose(accounts_file.target_at(organization), None, accounts_file)
        if choice.outcome == AMBIGUOUS and any(each.id == account.id for each in choice.candidates):
            found[organization] = choice.candidates
    return found


def account_named(name: str, accounts: Sequence[Account]) -> Account:
    """Return the account that ``name`` names. Raise UsageError when there is none or more than one."""
    found = [account for account in accounts if answers_to(account, name)]
    if len(found) == 1:
        return found[0]
    if not accounts:
        raise UsageError("there is no account", hints.setup())
    if not found:
        known = ", ".join(unique_names(accounts).values())
        shown = name if may_repeat(name) else "what looks like a token"
        raise UsageError(f"no account is named {shown}; known accounts: {known}", hints.accounts())
    kinds = (each.kind + (f" for {each.listed_names}" if each.listed else "") for each in found)
    names = (quote(unique_name(each, accounts)) for each in found)
    exact = ", ".join(f"{each} ({kind})" for each, kind in zip(names, kinds, strict=True))
    raise UsageError(f"several accounts are named {name}", f"use one of these names: {exact}")


def organization_named(text: str) -> AnyOrganization:
    """Return the organization or collection that a name or an address stands for. Raise UsageError."""
    name = text.strip().strip("/")
    organization = _at_address(name, AccountsFile.load()) if "://" in name else Organization.read(name)
    if organization is None:
        shown = name if may_repeat(name) else "that"
        raise UsageError(
            f"{shown} is not the name of an organization", f"it is CONTOSO in {SERVICES_ADDRESS}/CONTOSO"
        )
    return organization


def _at_address(url: str, accounts_file: AccountsFile) -> AnyOrganization | None:
    target = accounts_file.target_of(message_for(url))
    if target is None or target.services:
        return target.organization if target else None
    if accounts_file.server(target.address) and target.path:
        return Collection(target.address, unquote(target.path), accounts_file.addresses)
    return None


def address_of(organizations: Iterable[str], accounts_file: AccountsFile) -> str:
    """Return the address that all the organizations are at; Azure DevOps Services for none. Raise UsageError."""
    places = {
        accounts_file.target_at(name).address
        for name in organizations
        if isinstance(name, (Organization, Collection))
    }
    if len(places) > 1:
        raise UsageError(
            f"one account cannot serve both {' and '.join(sorted(places))}",
            "run setup for each of them",
        )
    return places.pop() if places else SERVICES_ADDRESS


def now() -> int:
    """Return the time in whole seconds since the epoch."""
    return int(time.time())
