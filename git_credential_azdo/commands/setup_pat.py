"""``setup pat``: a personal access token that a person made, checked against the service before it is saved.

The token comes from a hidden prompt or from stdin, never from the command line, where every process could read it. A
collection of an Azure DevOps Server is called by its whole address; nothing of Entra is ever asked there, and http is
taken only for a server that was registered so. Addresses:
https://learn.microsoft.com/azure/devops/server/admin/websitesettings.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import ALL_ORGANIZATIONS, PAT
from git_credential_azdo.accounts.save import NewAccount, load_accounts, now, organization_named
from git_credential_azdo.commands import console
from git_credential_azdo.commands.configure import server_at
from git_credential_azdo.commands.setup_run import way
from git_credential_azdo.devops import api
from git_credential_azdo.errors import ServiceError, UsageError, printable, say
from git_credential_azdo.git.address import message_for
from git_credential_azdo.git.target import SERVICES_ADDRESS, Collection, unquote
from git_credential_azdo.helper.answer import GLOBAL_PATS_END

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_credential_azdo.commands.setup_run import Run
    from git_credential_azdo.git.target import AnyOrganization
    from git_credential_azdo.web import HttpClient

MADE_KEYS = ("authorization_id", "made_by", "token_name", "scope", "days")
"""Keys of a PAT's block that only a token has which ``pat create`` made: its id at Azure DevOps, the account that made
it, its name there, its scopes and the days it was asked for."""
_GLOBAL_END = dt.datetime(2026, 12, 1, tzinfo=dt.timezone.utc)


def _collection(text: str) -> Collection:
    """Return the collection at an address that a person gave. Raise UsageError."""
    url = text.strip()
    cure = hints.setup_pat(server="https://tfs.example.com/DefaultCollection")
    address = server_at(url, cure).address
    path = unquote(message_for(url).get("path") or "").partition("?")[0].strip("/").lower()
    if not path or "_git" in path.split("/"):
        raise UsageError("--server takes the address of a collection", cure)
    if address.startswith("http:") and load_accounts().server(address) is None:
        raise UsageError(
            f"{address} would get the token in clear text over http",
            f"if that must be: {hints.server_add(address, allow_http=True)}",
        )
    return Collection(address, path, (address,))  # the person names it; it is registered with the account


@click.command("pat", short_help="Personal access token, by a hidden prompt or stdin")
@way(PAT)
@click.option("--all-orgs", is_flag=True, help=f"Token for all organizations (until {GLOBAL_PATS_END}).")
@click.option(
    "--server",
    "servers",
    multiple=True,
    type=_collection,
    metavar="ADDRESS",
    help="Collection of an Azure DevOps Server; repeatable.",
)
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="Day on which the token ends, such as 2027-05-31.",
)
def command(
    run: Run, *, all_orgs: bool, servers: tuple[Collection, ...], expires: dt.datetime | None
) -> None:
    """Save a personal access token, once the organizations that it is for accept it.

    The token is asked for at a hidden prompt, or read from stdin.
    """
    run.organizations += dict.fromkeys(servers)
    sign_in(run, all_organizations=all_orgs, expires=expires)


def sign_in(run: Run, *, all_organizations: bool = False, expires: dt.datetime | None = None) -> None:
    """Ask for a token, check it and save it as an account.

    Raise UsageError, ServiceError when the service does not take it, NetworkError, VaultError.
    """
    run.kind = PAT
    if not run.organizations and not all_organizations:
        if not console.can_ask():
            raise UsageError("missing --org, --server or --all-orgs", hints.setup_pat("ORG"))
        name = console.prompt("Organization (CONTOSO in https://dev.azure.com/CONTOSO)")
        run.organizations = [organization_named(name)]
    if all_organizations and not run.is_public:
        raise UsageError("--all-orgs is for Azure DevOps Services", hints.help_of("setup", "pat"))
    end = int(expires.replace(tzinfo=dt.timezone.utc).timestamp()) if expires else None
    if end is not None and end <= now():
        raise UsageError("the day of --expires has passed", "make a new token")
    run.check()
    vault_name = run.choose_vault()
    if all_organizations:
        say("hint", f"{global_end(now())}; a sign-in ({hints.setup()}) keeps working")
    token = _ask_token(run.organizations)
    found: Sequence[str] = run.organizations
    repository = None
    if all_organizations:
        identity, found = _check_all(run.http(), token, run.organizations), [ALL_ORGANIZATIONS]
    else:
        checked = [check(run.http(), organization, token) for organization in run.organizations]
        identity, repository = checked[0]
    account = new_account(
        token,
        identity,
        found,
        chosen=run.organizations,
        alias=run.alias,
        expires_utc=end,
    )
    run.finish(account, vault_name, api.basic(token), repository)


def is_global_over(at: int) -> bool:
    """Return whether Microsoft does not accept tokens for all organizations any more, ``at`` seconds since the epoch."""
    return at >= _GLOBAL_END.timestamp()


def global_end(at: int) -> str:
    """Return what Microsoft does with tokens for all organizations, as of ``at`` seconds since the epoch."""
    tense = "stopped" if is_global_over(at) else "will stop"
    return f"Microsoft {tense} accepting tokens for all organizations on {GLOBAL_PATS_END}"


def new_account(
    token: str,
    identity: api.Identity,
    found: Sequence[str],
    *,
    chosen: Sequence[AnyOrganization],
    expires_utc: int | None,
    alias: str | None = None,
    made: Mapping[str, str] | None = None,
    instead_of: str = "",
) -> NewAccount:
    """Return the account of a checked token for the organizations ``found``.

    ``made``: what ``pat rotate`` must know (MADE_KEYS) of a token that we made; ``instead_of``: the id of the account
    whose token it replaces, if one is meant.
    """
    name = printable(identity.name).strip() or identity.id
    made = made or {}
    return NewAccount(
        kind=PAT,
        fields=[
            ("name", name),
            ("expires_utc", str(expires_utc or "")),
            *((key, made.get(key, "")) for key in MADE_KEYS),
        ],
        alias=alias,
        secrets={"pat": [("token", token)]},
        tokens=[("", token, now())],
        chosen=chosen,
        found=found,
        # without one that is meant: that of the same person, if the new token serves all that it did
        replaces=lambda older: (
            older.id == instead_of
            if instead_of
            else older.name.lower() == name.lower() and set(older.listed) <= set(found)
        ),
    )


def _ask_token(chosen: Sequence[AnyOrganization]) -> str:
    """Ask for a token by a hidden prompt, or read it from stdin. Raise UsageError for what cannot be one."""
    if console.can_ask():
        page = hints.tokens_page(chosen[0].url) if chosen else SERVICES_ADDRESS
        console.err(f"Make a token with the scope Code (read & write): {page}")
    token = console.hidden("Personal access token", "token").strip().removeprefix("\ufeff")
    if not token:
        raise UsageError("no token was given", hints.setup_pat_from_file())
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            "the token contains a space or a control character (on Windows, Ctrl-V may paste \\x16)",
            "paste with the right mouse button, or give the token on stdin",
        )
    return token


def check(web: HttpClient, organization: AnyOrganization, token: str) -> tuple[api.Identity, str | None]:
    """Return whose token it is, and the address of a repository, once the organization takes it for reading code.

    Raise ServiceError, NetworkError.
    """
    authorization = api.basic(token)
    try:
        identity = api.who_am_i(web, organization, authorization)
        repository = api.check_code_scope(web, organization, authorization)
    except api.UnauthorizedError as refused:
        kind = " (it looks like an id, not a token)" if _looks_like_id(token) else ""
        raise ServiceError(
            f"the organization {organization} does not accept this token{kind}: it is mistyped, expired, revoked, "
            f"of another organization, or lacks the scope Code (read)",
            f"look at it on {hints.tokens_page(organization.url)}",
        ) from refused
    return identity, repository


def _check_all(web: HttpClient, token: str, named: Sequence[AnyOrganization]) -> api.Identity:
    """Return whose token for all organizations it is: those named must accept it, else one of those that it lists."""
    authorization = api.basic(token)
    try:
        identity = api.profile(web, authorization)
        listed = api.organizations(web, authorization, identity.id)
    except api.UnauthorizedError as refused:
        raise ServiceError(
            f"Azure DevOps does not accept this token for all organizations; {global_end(now())}",
            f"for a token of one organization: {hints.setup_pat(hints.ORGANIZATION)}",
        ) from refused
    for organization in named:
        identity, _ = check(web, organization, token)
    accepted, refusals = [], []
    for organization in listed:
        try:
            identity, _ = check(web, organization, token)
            accepted.append(organization)
        except ServiceError as error:
            refusals.append((organization, error))
    if refusals and not accepted:
        raise refusals[0][1]
    console.err(f"The token serves: {', '.join(accepted) or 'no organization yet'}")
    for organization, refusal in refusals:
        cause = refusal.__cause__ if isinstance(refusal.__cause__, ServiceError) else refusal
        say("error", f"{organization} refuses the token: {cause.message}")
    return identity


def _looks_like_id(token: str) -> bool:
    return [len(part) for part in token.split("-")] == [8, 4, 4, 4, 12]
