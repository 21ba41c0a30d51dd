"""Create personal access tokens with the user's sign-in: choose the account, and check a token before it is saved.

A token that cannot be checked or saved is revoked at once, so that none stays active unused. What is about to be created
or revoked is first noted in the accounts file, so that the next run finishes what a killed one left. Callers of ``make``,
``make_and_save`` and ``finish`` must hold LOCK.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from git_credential_azdo import deadline, hints, refresh
from git_credential_azdo.accounts.account import AZURE_CLI, OAUTH, Account, Block, number
from git_credential_azdo.accounts.accounts_file import UNSAVED, AccountsFile
from git_credential_azdo.accounts.choice import CHOSEN, answers_to, choose, unique_names
from git_credential_azdo.accounts.save import account_named, new_pat, now, save_account
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands import console
from git_credential_azdo.commands.parsing import again
from git_credential_azdo.devops import api, pats
from git_credential_azdo.errors import AzdoError, SignInError, UsageError, say
from git_credential_azdo.git.target import (
    SERVICES_ADDRESS,
    SERVICES_HOST,
    AnyOrganization,
    Collection,
    Organization,
)
from git_credential_azdo.tokens import DAY_SECONDS
from git_credential_azdo.web import HttpClient

Result = TypeVar("Result")

LOCK = "pat"
"""The lock under which tokens are created, replaced and revoked."""
_NEAR_SECONDS = 600
"""How far this machine's clock may be from Azure DevOps' when a token is recognized by the time of its creation."""
PERSONS = frozenset((OAUTH, AZURE_CLI))
"""The kinds of account whose token may be a user's own; the service accepts no other token for this."""


@dataclass(frozen=True)
class PatSession:
    """The account that manages tokens in an organization, and the header with its access token.

    ``named``: whether the account was named, since others could have managed them, too.
    """

    organization: Organization
    account: Account
    authorization: dict[str, str] = field(repr=False)
    named: bool

    def ask(self, do: Callable[..., Result], *words: str, **named: object) -> Result:
        """Return what a function of ``pats`` returns for the account. Raise PatError, ServiceError, NetworkError."""
        with HttpClient(deadline.left()) as web:
            return do(web, self.organization, self.authorization, *words, **named)

    def revocation(self, identifier: str) -> str:
        """Return the command that revokes a token as this session would."""
        return hints.pat_revoke(identifier, self.organization, self.account.label if self.named else "")

    def revoke_or_report(self, identifier: str) -> bool:
        """Revoke a token, and report a failure. Return whether it is revoked."""
        try:
            self.ask(pats.revoke, identifier)
        except AzdoError as error:
            say("error", f"a token of {self.organization} could not be revoked: {error.message}")
            say("hint", self.revocation(identifier))
            return False
        return True


class PatRequest(NamedTuple):
    """A token to create: its name in Azure DevOps, its scopes (separated by blanks), its lifetime in days."""

    name: str
    scope: str
    days: int


def session_for(organization: AnyOrganization, name: str | None, accounts_file: AccountsFile) -> PatSession:
    """Return the session that manages tokens in the organization: of the account named, else of the one ``get`` would choose.

    Raise UsageError, SignInError, NetworkError, ServiceError, VaultError.
    """
    if isinstance(organization, Collection):
        raise UsageError(
            f"tokens of {organization} can only be created on its web page",
            hints.tokens_page(organization.url),
        )
    account = _named(name, organization, accounts_file) if name else _chosen(organization, accounts_file)
    authorization = refresh.authorization(account, organization, accounts_file)
    return PatSession(organization, account, authorization, bool(name))


def make(session: PatSession, request: PatRequest) -> tuple[Block, pats.Pat]:
    """Create a token, and report an earlier expiry than requested; return the block that notes it, and the token.

    Raise PatError, ServiceError, NetworkError, AzdoError.
    """
    block = unsaved_block(session, token_name=request.name, scope=request.scope, started_utc=str(now()))
    update(lambda accounts_file: accounts_file.blocks.append(block))
    end = now() + request.days * DAY_SECONDS
    try:
        made = session.ask(pats.create, name=request.name, scope=request.scope, expires_utc=end)
    except (pats.PatError, api.UnauthorizedError):  # else one may have been created
        forget(block)
        raise
    if made.expires_utc is not None and made.expires_utc < end - DAY_SECONDS:
        days = max(0, made.expires_utc - now()) // DAY_SECONDS
        where = f"the tenant of {session.organization}"
        say(
            "hint",
            f"{where} allows at most {days} day{'' if days == 1 else 's'}, so the token expires earlier",
        )
    return block, made


def make_and_save(
    session: PatSession,
    request: PatRequest,
    vault_name: str,
    *,
    instead_of: str = "",
    to_revoke: Block | None = None,
) -> tuple[Account, pats.Pat]:
    """Create a token, check it and save it as an account; return both. ``instead_of``: the id of the account that it replaces.

    ``to_revoke``: the block of the token that is revoked next. Raise PatError, ServiceError, NetworkError, VaultError;
    the new token is revoked then.
    """
    block, made = make(session, request)

    def saved(accounts_file: AccountsFile) -> None:
        accounts_file.forget(block.get("id"))
        accounts_file.blocks += [to_revoke] if to_revoke else []

    try:
        with HttpClient(deadline.left()) as web:
            name, _ = pats.check(web, session.organization, made.token)
        new_account = new_pat(
            name,
            made.token,
            [session.organization],
            chosen=[session.organization],
            expires_utc=made.expires_utc,
            made={
                "authorization_id": made.id,
                "made_by": session.account.id,
                "token_name": request.name,
                "scope": request.scope,
                "days": str(request.days),
            },
            replaces=(lambda older: older.id == instead_of) if instead_of else None,
        )
        account = save_account(new_account, vault_name, saved)
    except BaseException:
        if made.id not in created_here(AccountsFile.load()) and session.revoke_or_report(made.id):
            forget(block)
        raise
    return account, made


def unsaved_block(session: PatSession, **keys: str) -> Block:
    """Return a new block of a token that is about to be created (``token_name`` ...) or revoked (``authorization_id``)."""
    where = [("kind", UNSAVED), ("id", os.urandom(6).hex()), ("organization", str(session.organization))]
    return Block([*where, ("made_by", session.account.id), *keys.items()])


def forget(block: Block) -> None:
    """Remove a block of ``unsaved_block`` from the accounts file. Raise AzdoError."""
    update(lambda accounts_file: accounts_file.forget(block.get("id")))


def forget_if_old(block: Block) -> None:
    """Remove a block whose token does not exist, unless a run may be about to create it. Raise AzdoError."""
    if now() - (number(block.get("started_utc")) or 0) > _NEAR_SECONDS:
        forget(block)


def finish(session: PatSession) -> None:
    """Revoke the tokens of the organization that an interrupted run did not save or revoke. Raise as ``make``."""
    accounts_file = AccountsFile.load()
    if not accounts_file.of_kind(UNSAVED):
        return
    for block, token in unsaved_tokens(session, session.ask(pats.active), accounts_file):
        if token and not session.revoke_or_report(token.id):
            continue
        forget(block)
        if token:
            console.err(f"Revoked {token.name!r}, which an interrupted run had left")


def unsaved_tokens(
    session: PatSession, listed: Sequence[pats.Pat], accounts_file: AccountsFile
) -> list[tuple[Block, pats.Pat | None]]:
    """Return the blocks of this user's tokens that an interrupted run did not save or revoke.

    Each comes with its token among those listed; None if there is none (any more).
    """
    others = {account.id for account in accounts_file.accounts} - {session.account.id}
    known = created_here(accounts_file)
    found: list[tuple[Block, pats.Pat | None]] = []
    for block in accounts_file.of_kind(UNSAVED):
        if block.get("organization") == session.organization and block.get("made_by") not in others:
            of_block = [token for token in listed if token.id not in known and _is_of(block, token)]
            found += [(block, token) for token in of_block] or [(block, None)]
    return found


def _is_of(block: Block, token: pats.Pat) -> bool:
    """Return whether a token is the one of a block: by its id, else by name, scopes and the time of its creation."""
    if block.has("authorization_id"):
        return token.id == block.get("authorization_id")
    apart = abs((token.made_utc or 0) - (number(block.get("started_utc")) or 0))
    same_scope = set(token.scope.split()) == set(block.get("scope").split())
    return token.name == block.get("token_name") and same_scope and apart < _NEAR_SECONDS


def created_here(accounts_file: AccountsFile) -> dict[str, Account]:
    """Return the accounts whose token was created by ``pat create``, by its authorization id."""
    tokens = [account for account in accounts_file.accounts if account.is_pat]
    return {made: each for each in tokens if (made := each.block.get("authorization_id"))}


def _named(name: str, organization: Organization, accounts_file: AccountsFile) -> Account:
    known = accounts_file.accounts
    able = [each for each in known if each.kind in PERSONS and each.address == SERVICES_ADDRESS]
    account = account_named(name, [each for each in able if answers_to(each, name)] or known)
    if account.kind in PERSONS and account.address == SERVICES_ADDRESS:
        return account
    raise UsageError(
        f"{account.label} ({account.kind}) cannot manage tokens: only a person's own sign-in at {SERVICES_HOST} can",
        hints.setup(organization),
    )


def _chosen(organization: Organization, accounts_file: AccountsFile) -> Account:
    """Return the account that ``get`` would choose among those whose kind is in PERSONS."""
    others = {account.id for account in accounts_file.accounts if account.kind not in PERSONS}
    people = AccountsFile(
        accounts_file.header, [each for each in accounts_file.blocks if each.get("id") not in others], []
    )
    choice = choose(people.target_at(organization), None, people)
    if choice.outcome == CHOSEN and choice.account:
        return choice.account
    if choice.candidates:
        unique = unique_names(people.accounts)
        names = [unique[account.id] for account in choice.candidates]
        raise UsageError(
            f"several signed-in accounts match the organization {organization}: {', '.join(names)}",
            again(sys.argv[1:], ["--account", names[0]]),
        )
    kind = " (a token or a workload identity cannot)" if others else ""
    raise SignInError(
        f"no signed-in account can manage the tokens of {organization}{kind}",
        hints.setup(organization),
    )
