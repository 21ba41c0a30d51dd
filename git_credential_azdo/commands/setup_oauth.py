"""``setup`` by OAuth: let a person sign in with a browser, find out who it was and what they can reach, keep it.

The endpoints come from the authority's own OpenID configuration document, so any authority that conforms will do.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import OAUTH
from git_credential_azdo.accounts.choice import PERSONAL_TENANTS
from git_credential_azdo.accounts.save import (
    NewAccount,
    load_accounts,
    now,
    place_of,
    save_account,
)
from git_credential_azdo.commands import console, setup_browser, setup_device
from git_credential_azdo.commands.parsing import again
from git_credential_azdo.devops import api
from git_credential_azdo.errors import AzdoError, ServiceError, UsageError, printable, say
from git_credential_azdo.git.target import MSA_TENANT, SERVICES_ADDRESS
from git_credential_azdo.signin import entra, exchange
from git_credential_azdo.signin.endpoints import OtherHostsError, origin
from git_credential_azdo.signin.person import Person, is_same, read_person
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.git.target import AnyOrganization, Organization
    from git_credential_azdo.signin.oauth import Grant

ASK_SECONDS = 60.0


@dataclass(frozen=True)
class Options:
    """What a person may set; None and False leave the usual."""

    tenant: str | None = None
    authority: str | None = None
    client_id: str | None = None
    redirect_uri: str | None = None
    scope: str | None = None
    login_hint: str | None = None
    browser: bool = True
    bearer: bool = False
    endpoint_hosts: tuple[str, ...] = ()
    device_code: bool = False


def sign_in(
    options: Options, chosen: Sequence[AnyOrganization], alias: str | None, vault_name: str
) -> Account:
    """Let a person sign in and keep the account; return it.

    Raise SignInError, NetworkError, ServiceError, UsageError, VaultError; KeyboardInterrupt for Ctrl-C.
    """
    with HttpClient(ASK_SECONDS, allowed=api.origins_of(*chosen)) as web:
        authority = options.authority or _authority(web, options.tenant, chosen)
        endpoints = exchange.discover(web, authority, lambda other: _confirm(options, other))
    client_id = options.client_id or entra.DEFAULT_CLIENT_ID
    scope = options.scope or entra.DEFAULT_SCOPE
    if options.device_code:
        grant = setup_device.grant(endpoints, client_id=client_id, scope=scope, tenant=options.tenant)
        received = now()
    else:
        grant, received = setup_browser.grant(options, endpoints, client_id, scope)
    is_entra = entra.is_entra(endpoints.token)
    # Entra's answer leaves out offline_access and what else keeps the sign-in alive; others say what they granted
    # (RFC 6749 section 5.1), and a refresh may ask for no more than that (section 6).
    scope = scope if is_entra else grant.scope or scope
    place = place_of(chosen, load_accounts())
    is_public = place == SERVICES_ADDRESS
    person = read_person(grant, is_entra=is_entra)
    with HttpClient(ASK_SECONDS, allowed=api.origins_of(*chosen)) as web:
        if not person.name:
            person = _ask_who(web, grant, person, is_public=is_public)
        found, tenants = _reach(web, grant, chosen, is_entra=is_entra, is_public=is_public)
        _try_out(web, grant, person, chosen, tenants)
    if not grant.refresh_token:
        say("hint", "the server gave no refresh token: this sign-in ends with its first token")

    def replaces(older: Account) -> bool:
        at_home = (older.kind, older.address) == (OAUTH, place)
        return at_home and is_same(older, person, authority, endpoints.token)

    home = {
        "subject": person.subject,
        "tenant": person.tenant,
        "authority": authority,
        "token_endpoint": endpoints.token,
    }
    older = next((account for account in load_accounts().accounts if replaces(account)), None)
    if older and older.tenant != person.tenant and not authority.endswith(f"/{entra.ANY_WORK_TENANT}"):
        # Signed in again as a guest elsewhere: the account keeps its own tenant.
        home = {"token_endpoint": endpoints.token.for_tenant(older.tenant)}
    if older:  # what one tenant lists is not all: guests have organizations in several
        found += [name for name in older.organizations if name not in found]
    access = [
        ("token", grant.access_token),
        ("received_utc", str(received)),
        ("expires_utc", str(received + grant.expires_in)),
    ]
    refresh = [
        ("token", grant.refresh_token or ""),
        ("received_utc", str(received)),
        ("origin", origin(endpoints.token)),
    ]
    return save_account(
        NewAccount(
            kind=OAUTH,
            fields=[
                ("name", person.name),
                *home.items(),
                ("client_id", client_id),
                ("redirect_uri", options.redirect_uri or entra.DEFAULT_REDIRECT),
                ("scope", scope),
                ("authtype", "Bearer" if options.bearer else ""),
            ],
            alias=alias,
            secrets={
                **({"refresh": refresh} if grant.refresh_token else {}),
                f"access/{person.tenant or 'home'}": access,
            },
            tokens=[(person.tenant, grant.access_token, received)],
            chosen=chosen,
            found=found,
            tenants=tenants,
            replaces=replaces,
        ),
        vault_name,
    )


def _confirm(options: Options, other: OtherHostsError) -> bool:
    """Ask about endpoints on other hosts than the authority's. Raise UsageError without a terminal."""
    if set(other.hosts) <= {host.lower() for host in options.endpoint_hosts}:
        return True
    if console.can_ask():
        console.err(f"{other.message}.")
        return console.confirm("Send this sign-in's codes and tokens there?", default=False)
    more = [word for host in other.hosts for word in ("--endpoint-host", host)]
    command = again(sys.argv[1:], more)
    raise UsageError(other.message, f"if they belong to it: {command}")


def _authority(web: HttpClient, tenant: str | None, chosen: Sequence[AnyOrganization]) -> str:
    """Return Microsoft's authority to sign in at, on the login host of the organizations' own cloud."""
    accounts_file = load_accounts()
    place = place_of(chosen, accounts_file)
    host = entra.PUBLIC_HOST if place == SERVICES_ADDRESS else accounts_file.login_host(place)
    if host is None:
        raise UsageError(
            f"where do people of {place} sign in?",
            "give its address as --authority https://LOGIN-HOST/TENANT",
        )
    return entra.authority(tenant or _tenant_for(web, chosen), host)


def _tenant_for(web: HttpClient, chosen: Sequence[AnyOrganization]) -> str:
    """Return the tenant to sign in at: that of the first organization named, else any of the person's."""
    tenant = api.tenant_of(web, chosen[0]) if chosen else None
    return entra.ANY_WORK_TENANT if tenant in {None, MSA_TENANT} else str(tenant)


def _ask_who(web: HttpClient, grant: Grant, person: Person, *, is_public: bool) -> Person:
    """Return the person with the name that Azure DevOps knows; where to ask another cloud is not documented."""
    name = person.subject
    try:
        if is_public:
            name = printable(api.profile(web, api.bearer(grant.access_token)).name).strip()
    except AzdoError:
        name = person.subject
    return Person(name or "signed-in", person.subject, person.tenant)


def _reach(
    web: HttpClient, grant: Grant, chosen: Sequence[AnyOrganization], *, is_entra: bool, is_public: bool
) -> tuple[list[AnyOrganization], dict[AnyOrganization, str]]:
    """Find the organizations that the person can access, and the tenant of each. Trouble costs a line, not the sign-in."""
    # Another cloud's token must not travel to the public one, and where that cloud lists organizations is not known.
    listed = _listed(web, grant, chosen, is_entra=is_entra) if is_public else []
    found = list(dict.fromkeys([*chosen, *listed]))
    tenants: dict[AnyOrganization, str] = {}
    for organization in found:
        try:
            tenant = api.tenant_of(web, organization)
        except AzdoError as error:
            say("error", f"the tenant of {organization} could not be asked: {error.message}")
            continue
        if tenant:
            tenants[organization] = tenant
    return found, tenants


def _try_out(
    web: HttpClient,
    grant: Grant,
    person: Person,
    chosen: Sequence[AnyOrganization],
    tenants: Mapping[AnyOrganization, str],
) -> None:
    """Raise ServiceError if an organization that the person named, of the tenant signed in at, refuses the new token."""
    for organization in chosen:
        own = {tenants.get(organization, "?"), person.tenant}
        if len(own) > 1 and not own <= PERSONAL_TENANTS:
            continue  # its token is another one, got when it is needed
        try:
            api.who_am_i(web, organization, api.bearer(grant.access_token))
        except api.Refused as refused:
            raise ServiceError(
                f"{person.name} signed in, but {refused.message}; nothing was stored",
                f"sign in as a user of {organization}: {hints.setup(organization)};"
                f" or keep a token of it: {hints.setup_pat(organization)}",
            ) from None
        except AzdoError as error:
            say("error", f"{organization} could not be asked: {error.message}")


def _listed(
    web: HttpClient, grant: Grant, chosen: Sequence[AnyOrganization], *, is_entra: bool
) -> list[Organization]:
    authorization = api.bearer(grant.access_token)
    try:
        member = api.profile(web, authorization).id
        listed = api.organizations(web, authorization, member)
    except AzdoError as error:
        if is_entra or not chosen:
            say("error", f"the organizations could not be listed: {error.message}")
        return []
    for each in set(chosen) - set(listed):
        say("hint", f"{each} is not listed as yours; to check: {hints.explain(each.url, online=True)}")
    return listed
