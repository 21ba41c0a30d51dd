"""``setup``: sign in by OAuth or keep a personal access token, then let git call us. Run once per account.

With no option it asks; with options it never asks. A vault is tried out before anybody signs in, so that nobody
signs in for nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import OAUTH, PAT
from git_credential_azdo.accounts.naming import listed_names, unique_name
from git_credential_azdo.accounts.save import (
    check_alias,
    load_accounts,
    organization_names,
    place_of,
    undecided,
)
from git_credential_azdo.commands import (
    bytecode,
    configure,
    console,
    setup_oauth,
    setup_pat,
    setup_server,
    setup_workload,
    unconfigure,
    workload_fields,
)
from git_credential_azdo.errors import UsageError, VaultError, VaultLocked
from git_credential_azdo.git.target import SERVICES_ADDRESS
from git_credential_azdo.vault import vaults

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.git.target import AnyOrganization


@click.command("setup")
@click.option(
    "--org", "organizations", multiple=True, metavar="ORG", help="An organization the account is for."
)
@click.option("--pat", is_flag=True, help="Keep a personal access token (hidden prompt, or stdin).")
@click.option("--all-orgs", is_flag=True, help="The token is for all organizations (until 1 December 2026).")
@click.option(
    "--server",
    "servers",
    multiple=True,
    metavar="ADDRESS",
    help="It is for this collection of an Azure DevOps Server.",
)
@click.option("--expires", metavar="DAY", help="The day the token ends, such as 2027-05-31.")
@click.option("--alias", metavar="WORD", help="A short name for the account.")
@click.option("--login-hint", metavar="NAME", help="The sign-in name to suggest in the browser.")
@click.option("--tenant", help="The Entra tenant to sign in at: its id or a domain of it.")
@click.option("--authority", metavar="URL", help="The issuer to sign in at, instead of Microsoft's.")
@click.option(
    "--endpoint-host",
    "endpoint_hosts",
    multiple=True,
    metavar="HOST",
    help="Another host of that issuer, which its tokens may go to.",
)
@click.option("--client-id", metavar="ID", help="Your own app registration's id.")
@click.option("--redirect-uri", metavar="URL", help="Its redirect address.")
@click.option("--scope", help="The scopes to ask for.")
@click.option("--no-browser", is_flag=True, help="Print the link only.")
@click.option(
    "--device-code", is_flag=True, help="Type a short code on another device (many tenants block it)."
)
@click.option("--bearer", is_flag=True, help="Answer authtype=Bearer where git knows it (2.46).")
@click.option(
    "--vault", metavar="NAME", help="Where secrets are kept: keyring, file, none, or a backend's name."
)
@click.option("--no-git-config", is_flag=True, help="Leave git's configuration alone.")
@click.option("--undo", is_flag=True, hidden=True, help="Another spelling of unconfigure.")
@setup_workload.options
def command(
    organizations: tuple[str, ...],
    *,
    pat: bool,
    all_orgs: bool,
    servers: tuple[str, ...],
    expires: str | None,
    alias: str | None,
    login_hint: str | None,
    tenant: str | None,
    authority: str | None,
    endpoint_hosts: tuple[str, ...],
    client_id: str | None,
    redirect_uri: str | None,
    scope: str | None,
    no_browser: bool,
    device_code: bool,
    bearer: bool,
    vault: str | None,
    no_git_config: bool,
    undo: bool,
    **machine: Any,
) -> None:
    """Sign in with a browser, or keep a personal access token, and let git use it."""
    if undo:
        unconfigure.run()
        return
    if servers and not pat:
        raise UsageError("--server goes with --pat", hints.help_of("setup"))
    chosen = [*organization_names(organizations), *setup_server.collections(servers)]
    place, known = place_of(chosen, load_accounts()), load_accounts().services_addresses
    if not pat and place not in {SERVICES_ADDRESS, *known}:
        raise UsageError(
            f"{place} is a server of its own, which takes no token of Entra",
            hints.help_of("setup", "--pat"),
        )
    identity = workload_fields.Options(
        **machine, tenant=tenant, authority=authority, client_id=client_id, scope=scope, bearer=bearer
    )
    if identity.kind:
        if pat or all_orgs or expires or login_hint or redirect_uri or no_browser or device_code:
            raise UsageError(
                f"--{identity.kind} needs no person to sign in, and no token", hints.help_of("setup")
            )
        _finish(
            setup_workload.sign_in(identity.kind, identity, chosen, alias, vault),
            git_config=not no_git_config,
            ask=False,
        )
        return
    given = click.get_current_context().params.values()
    ask = not any(given) and console.can_ask()
    if ask:
        pat, all_orgs, chosen = _ask_kind()
    if device_code and (login_hint or redirect_uri or no_browser):
        raise UsageError(
            "--device-code goes without --login-hint, --redirect-uri and --no-browser",
            hints.help_of("setup"),
        )
    browser_only = (
        login_hint,
        tenant,
        authority,
        endpoint_hosts,
        client_id,
        redirect_uri,
        scope,
        no_browser,
        bearer,
        device_code,
    )
    _check_options(pat=pat, all_orgs=all_orgs, chosen=chosen, expires=expires, browser_only=any(browser_only))
    accounts_file = load_accounts()
    check_alias(alias, accounts_file, PAT if pat else OAUTH)
    kept_in = _choose_vault(vault, accounts_file.header.get("vault"), ask=ask)
    if pat:
        account = setup_pat.sign_in(
            chosen, all_organizations=all_orgs, expires=expires, alias=alias, vault_name=kept_in
        )
    else:
        options = setup_oauth.Options(
            tenant=tenant,
            authority=authority,
            endpoint_hosts=endpoint_hosts,
            client_id=client_id,
            redirect_uri=redirect_uri,
            scope=scope,
            login_hint=login_hint,
            browser=not no_browser,
            bearer=bearer,
            device_code=device_code,
        )
        account = setup_oauth.sign_in(options, chosen, alias, kept_in)
    _finish(account, git_config=not no_git_config, ask=ask)


def _finish(account: Account, *, git_config: bool, ask: bool) -> None:
    _summarize(account)
    bytecode.compile_package()
    if account.address != SERVICES_ADDRESS:
        setup_server.register(account.address)
    if git_config:
        _let_git_know(account, ask=ask)


def _ask_kind() -> tuple[bool, bool, list[AnyOrganization]]:
    """Ask how to sign in; return (by PAT, for all organizations, which organizations)."""
    console.err("How do you want to sign in to Azure DevOps?")
    console.err("  1  with a browser (lasts, and works for all your organizations)")
    console.err("  2  with a personal access token of one organization")
    console.err("  3  with a personal access token for all organizations (until 1 December 2026)")
    kind = console.prompt("Choose", choices=("1", "2", "3"), default="1")
    if kind == "2":
        name = console.prompt("Organization (CONTOSO in https://dev.azure.com/CONTOSO)")
        return True, False, organization_names((name,))
    return kind == "3", kind == "3", []


def _check_options(
    *, pat: bool, all_orgs: bool, chosen: Sequence[AnyOrganization], expires: str | None, browser_only: bool
) -> None:
    if pat and browser_only:
        raise UsageError(
            "--pat goes with --org, --all-orgs, --expires, --alias and --vault only",
            hints.help_of("setup"),
        )
    if pat and not chosen and not all_orgs:
        raise UsageError(
            "--pat needs an organization, or --all-orgs",
            hints.setup_pat("ORG"),
        )
    if all_orgs and (chosen or not pat):
        raise UsageError("--all-orgs goes with --pat and without --org", hints.help_of("setup"))
    if expires and not pat:
        raise UsageError("--expires goes with --pat", hints.help_of("setup"))
    if expires:
        setup_pat.read_expiry(expires)


def _choose_vault(wanted: str | None, used: str, *, ask: bool) -> str:
    try:
        return vaults.find(wanted, used or None)
    except VaultLocked:
        raise
    except VaultError as error:
        if not ask:
            raise
        console.err(f"{error.message}.")
        if not console.confirm("Keep secrets in a private file, not encrypted?", default=False):
            raise
        return vaults.find(vaults.FILE)


def _let_git_know(account: Account, *, ask: bool) -> None:
    """Write git's configuration; what prevents that does not cost the account, which is in place by now."""
    try:
        configure.write(services=account.address == SERVICES_ADDRESS, ask=ask)
    except UsageError as error:
        raise UsageError(
            f"account saved, but git's configuration was not updated: {error.message}", error.hint
        ) from None


def _summarize(account: Account) -> None:
    accounts_file = load_accounts()
    credential = listed_names(account)
    where = (
        "a private file, not encrypted" if account.vault == vaults.FILE else f"the keyring ({account.vault})"
    )
    name = unique_name(account, accounts_file.accounts)
    console.err(f"Signed in as {account.name}{f' ({account.alias})' if account.alias else ''}")
    console.err(f"Organizations: {credential or 'none found yet'}")
    if account.vault == vaults.NONE:
        console.err("Nothing secret is kept: git's every question gets a new token")
    else:
        console.err(f"The secret is kept in {where}")
    console.err(f"To forget it: {hints.logout(name)}")
    for organization in undecided(accounts_file, account):
        console.err(
            f"Several accounts fit {organization}; to choose this one: {hints.use(name, organization)}"
        )
