"""``setup --pat``: a personal access token that a person made, checked against the service before it is kept.

The token comes from a hidden prompt or from stdin, never from the command line, where every process could read it.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import ALL_ORGANIZATIONS, PAT
from git_credential_azdo.accounts.save import NewAccount, forget_secrets, now, retire_tokens, save_account
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands import console
from git_credential_azdo.devops import api
from git_credential_azdo.errors import AzdoError, ServiceError, UsageError, printable, say
from git_credential_azdo.git.target import SERVICES_ADDRESS
from git_credential_azdo.helper.answer import GLOBAL_PATS_END
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.git.target import AnyOrganization

CHECK_SECONDS = 60.0
MADE_KEYS = ("authorization_id", "made_by", "token_name", "scope", "days")
"""Keys of a PAT's block that only a token has which ``pat create`` made: its id at Azure DevOps, the account that made
it, its name there, its scopes and the days it was asked for."""
_GLOBAL_END = dt.datetime(2026, 12, 1, tzinfo=dt.timezone.utc)


def sign_in(
    chosen: Sequence[AnyOrganization],
    *,
    all_organizations: bool,
    expires: str | None,
    alias: str | None,
    vault_name: str,
) -> Account:
    """Ask for a token, check it and keep it; return its account.

    Raises UsageError, ServiceError (Refused when the service does not take it), NetworkError, VaultError.
    """
    expires_utc = read_expiry(expires) if expires else None
    if all_organizations:
        tense = "stopped" if now() >= _GLOBAL_END.timestamp() else "will stop"
        say(
            "hint",
            f"Microsoft {tense} accepting tokens for all organizations on {GLOBAL_PATS_END}; "
            "a sign-in ({hints.setup()}) or one token an organization lasts",
        )
    token = ask_token(chosen)
    with HttpClient(CHECK_SECONDS, allowed=api.origins_of(*chosen)) as web:
        found: list[str]
        if all_organizations:
            identity, found = _check_all(web, token)
        else:
            identities = [check(web, organization, token) for organization in chosen]
            identity, found = identities[0], list(chosen)
    return keep(
        token, identity, found, chosen=chosen, alias=alias, vault_name=vault_name, expires_utc=expires_utc
    )


def keep(
    token: str,
    identity: api.Identity,
    found: Sequence[str],
    *,
    chosen: Sequence[AnyOrganization],
    vault_name: str,
    expires_utc: int | None,
    alias: str | None = None,
    made: Mapping[str, str] | None = None,
    instead_of: str = "",
) -> Account:
    """Keep a checked token for the organizations ``found``, in place of those that it makes needless; return its account.

    ``made``: what ``pat rotate`` must know (MADE_KEYS) of a token that we made; ``instead_of``: the id of the account
    whose token it replaces, if one is meant. Raises VaultError, AzdoError.
    """
    name = printable(identity.name).strip() or identity.id

    def is_renewed(older: Account) -> bool:
        """Say whether the new token serves all that the older one did, for the same person."""
        same = older.name.lower() == name.lower() and set(older.listed) <= set(found)
        return older.id == instead_of if instead_of else same

    account = save_account(
        NewAccount(
            kind=PAT,
            fields=[
                ("name", name),
                ("expires_utc", str(expires_utc or "")),
                *((key, (made or {}).get(key, "")) for key in MADE_KEYS),
            ],
            alias=alias,
            secrets={"pat": [("token", token)]},
            tokens=[("", token, now())],
            chosen=chosen,
            found=found,
            tenants={},
            replaces=is_renewed,
        ),
        vault_name,
    )
    for old in update(lambda accounts_file: retire_tokens(accounts_file, account)):
        try:
            forget_secrets(old)
        except AzdoError as error:
            say("error", f"the old token of {old.label} is still in {old.vault}: {error.message}")
    return account


def read_expiry(text: str) -> int:
    """Read a day (YYYY-MM-DD) as the seconds since the epoch at which it begins, UTC. Raises UsageError."""
    try:
        day = dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=dt.timezone.utc)
    except ValueError:
        raise UsageError("--expires takes a day such as 2027-05-31") from None
    if day.timestamp() <= now():
        raise UsageError(f"the token would have expired already on {text}", "make a new token")
    return int(day.timestamp())


def ask_token(chosen: Sequence[AnyOrganization]) -> str:
    """Ask for a token by a hidden prompt, or read it from stdin. Raises UsageError."""
    if console.can_ask():
        page = api.tokens_page(chosen[0]) if chosen else SERVICES_ADDRESS
        console.err(f"Make a token with the scope Code (read & write): {page}")
        text = console.prompt("Personal access token", hidden=True)
    else:
        text = console.given("token")
    return read_token(text)


def read_token(text: str) -> str:
    """Return the token in what a person gave. Raises UsageError for what cannot be one."""
    token: str = text.strip().removeprefix("\ufeff")
    if not token:
        raise UsageError("no token came", hints.setup_pat_from_file())
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            "the token holds a blank or a control character (on Windows, Ctrl-V may paste \\x16)",
            "paste with the right mouse button, or give the token on stdin",
        )
    return token


def check(web: HttpClient, organization: AnyOrganization, token: str) -> api.Identity:
    """Return whose token it is, once the organization takes it for reading code. Raises ServiceError, NetworkError."""
    authorization = api.basic(token)
    try:
        identity = api.who_am_i(web, organization, authorization)
        api.check_code_scope(web, organization, authorization)
    except api.Refused as refused:
        kind = " (it looks like an id, not a token)" if _looks_like_id(token) else ""
        raise ServiceError(
            f"the organization {organization} does not accept this token{kind}: it is mistyped, expired, revoked, "
            f"of another organization, or lacks the scope Code (read)",
            f"look at it on {api.tokens_page(organization)}",
        ) from refused
    return identity


def _check_all(web: HttpClient, token: str) -> tuple[api.Identity, list[str]]:
    authorization = api.basic(token)
    try:
        identity = api.profile(web, authorization)
        found = api.organizations(web, authorization, identity.id)
    except api.Refused as refused:
        raise ServiceError(
            "Azure DevOps does not accept this token for all organizations",
            f"for a token of one organization: {hints.setup_pat(hints.ORGANIZATION)}",
        ) from refused
    checked = next(iter(found), None)
    if checked:
        identity = check(web, checked, token)
    console.err(f"The token serves: {', '.join(found) or 'no organization yet'}")
    return identity, [ALL_ORGANIZATIONS]


def _looks_like_id(token: str) -> bool:
    return [len(part) for part in token.split("-")] == [8, 4, 4, 4, 12]
