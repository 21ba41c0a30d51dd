"""``setup`` for a person, by OAuth: where to sign in, who it was, what the account can reach.

The endpoints come from the authority's own OpenID configuration document, so any authority that conforms will do, and
what only Entra knows is sent to Entra only. Somebody else than ``--login-hint`` names is never taken without a question:
the link stands in the browser's arguments, where other users of the machine can read it and sign in by it.
"""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import OAUTH, access_entry
from git_credential_azdo.accounts.choice import PERSONAL_TENANTS
from git_credential_azdo.accounts.save import NewAccount
from git_credential_azdo.commands import console
from git_credential_azdo.commands.parsing import again, same_command
from git_credential_azdo.devops import api
from git_credential_azdo.errors import AzdoError, ServiceError, SignInError, UsageError, printable, say
from git_credential_azdo.git.target import MSA_TENANT
from git_credential_azdo.hosts import origin
from git_credential_azdo.signin import entra
from git_credential_azdo.signin.endpoints import OtherHostsError, discover
from git_credential_azdo.signin.oauth import OPENID_SCOPE, read_person
from git_credential_azdo.signin.sign_in_errors import UNNAMED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.commands.setup_run import Run
    from git_credential_azdo.git.target import AnyOrganization
    from git_credential_azdo.signin.endpoints import Endpoints
    from git_credential_azdo.signin.oauth import Grant, Person

    SignIn = Callable[[Run, "Options", Endpoints], tuple[Grant, int, bool]]

_LOGIN_HINT = "--login-hint"
_OPTIONS = (
    click.option("--tenant", help="Entra tenant: its id or a domain of it."),
    click.option("--authority", metavar="URL", help="Issuer, instead of Microsoft's."),
    click.option("--client-id", metavar="ID", default="", help="Your own app registration."),
    click.option("--scope", default="", help="Scopes to request."),
    click.option(_LOGIN_HINT, metavar="NAME", help="Sign-in name that you mean."),
    click.option("--bearer", is_flag=True, help="Answer authtype=Bearer where git knows it (2.46)."),
    click.option("--endpoint-host", "endpoint_hosts", metavar="HOST", multiple=True, hidden=True),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that are about the authority; they fill ``Options``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class Options:
    """What a person may set; None leaves the usual. ``endpoint_hosts``: other hosts of the authority's, confirmed."""

    client_id: str
    scope: str
    tenant: str | None = None
    authority: str | None = None
    bearer: bool = False
    endpoint_hosts: tuple[str, ...] = ()
    redirect_uri: str = entra.DEFAULT_REDIRECT
    login_hint: str | None = None
    no_browser: bool = False


def sign_in(run: Run, options: Options, ask: SignIn) -> None:
    """Let a person sign in by ``ask``, find out who it was, and save the account.

    Raise SignInError, NetworkError, ServiceError, UsageError, VaultError; KeyboardInterrupt for Ctrl-C.
    """
    run.check(OAUTH)
    vault_name = run.choose_vault()
    authority = options.authority or _authority(run, options.tenant)
    is_entra = entra.is_entra(entra.issuer(authority))
    options = _completed(options, is_entra=is_entra)
    endpoints = discover(run.http(), authority, lambda other: _confirm(options, other))
    grant, received, is_answer = ask(run, options, endpoints)
    person = read_person(grant, is_entra=is_entra)
    if not person.name:
        person = _ask_who(run, grant, person)
    _confirm_person(person, options.login_hint, is_answer=is_answer)
    found, tenants = _reach(run, grant, is_entra=is_entra)
    _try_out(run, grant, person, tenants)
    if not grant.refresh_token:
        say("hint", "no refresh token was returned; you must sign in again when the access token expires")

    def replaces(older: Account) -> bool:
        at_home = (older.kind, older.address) == (OAUTH, run.address)
        return at_home and _is_same(older, person, authority, endpoints.token)

    home = {
        "subject": person.subject,
        "tenant": person.tenant,
        "authority": authority,
        "token_endpoint": endpoints.token,
    }
    older = next((account for account in run.accounts_file.accounts if replaces(account)), None)
    if older and older.tenant != person.tenant and not authority.endswith(f"/{entra.ANY_WORK_TENANT}"):
        # Signed in again as a guest elsewhere: the account keeps its own tenant.
        home = {"token_endpoint": endpoints.token.for_tenant(older.tenant)}
    if older:  # what one tenant lists is not all: guests have organizations in several
        found += [name for name in older.organizations if name not in found]
    moment = ("received_utc", str(received))
    access = [("token", grant.access_token), moment, ("expires_utc", str(received + grant.expires_in))]
    refresh = [("token", grant.refresh_token or ""), moment, ("origin", origin(endpoints.token))]
    # Entra's answer leaves out offline_access and what else keeps the sign-in alive; others say what they granted
    # (RFC 6749 section 5.1), and a refresh may ask for no more than that (section 6).
    scope = options.scope if is_entra else grant.scope or options.scope
    account = NewAccount(
        kind=OAUTH,
        fields=[
            ("name", person.name),
            *home.items(),
            ("client_id", options.client_id),
            ("redirect_uri", options.redirect_uri),
            ("scope", scope),
            ("authtype", "Bearer" if options.bearer else ""),
        ],
        alias=run.alias,
        secrets={
            **({"refresh": refresh} if grant.refresh_token else {}),
            access_entry(person.tenant): access,
        },
        tokens=[(person.tenant, grant.access_token, received)],
        chosen=run.organizations,
        found=found,
        tenants=tenants,
        replaces=replaces,
    )
    run.finish(account, vault_name, api.bearer(grant.access_token))


def _completed(options: Options, *, is_entra: bool) -> Options:
    """Return the options with the usual client id and scope, which only Entra knows. Raise UsageError beside Entra."""
    if not is_entra and not options.client_id:
        raise UsageError(
            "missing --client-id: this authority knows only its own clients",
            again(sys.argv[1:], ["--client-id", "ID"]),
        )
    return replace(
        options,
        client_id=options.client_id or entra.DEFAULT_CLIENT_ID,
        scope=options.scope or (entra.DEFAULT_SCOPE if is_entra else OPENID_SCOPE),
    )


def _confirm_person(person: Person, login_hint: str | None, *, is_answer: bool) -> None:
    """Ask whether this is the right person where that is not plain. Raise SignInError for a no, and without a terminal.

    ``is_answer``: whether the tokens answer this very sign-in, as a code that was pasted alone may not.
    """
    another = somebody_else(person, login_hint)
    if another:
        if not console.can_ask():
            raise another
        console.err(f"{person.name} signed in, not {login_hint}.")
        if not console.confirm("Keep this sign-in?", default=False):
            raise SignInError(another.message, same_command())
    elif not is_answer:
        console.err(f"The code was for {person.name}.")
        if console.can_ask() and not console.confirm("Is that you?", default=True):
            raise SignInError("the code was for another person; nothing was stored", same_command())


def somebody_else(person: Person, login_hint: str | None) -> SignInError | None:
    """Return the error for a person who is not the one that was meant, or None."""
    if not login_hint or person.is_named(login_hint):
        return None
    who = person.name or "an unnamed account"
    hint = same_command(login_hint=person.name)
    return SignInError(f"{who} signed in, not {login_hint}; nothing was stored", hint)


def _confirm(options: Options, other: OtherHostsError) -> bool:
    """Ask about endpoints on other hosts than the authority's. Raise UsageError without a terminal."""
    if set(other.hosts) <= {host.lower() for host in options.endpoint_hosts}:
        return True
    if console.can_ask():
        console.err(f"{other.message}.")
        return console.confirm("Send this sign-in's codes and tokens there?", default=False)
    more = [word for host in other.hosts for word in ("--endpoint-host", host)]
    raise UsageError(other.message, f"if they belong to it: {again(sys.argv[1:], more)}")


def _authority(run: Run, tenant: str | None) -> str:
    """Return Microsoft's authority to sign in at, on the login host of the organizations' own cloud.

    The tenant is the one named, else that of the first organization named, else any of the person's.
    """
    host = entra.PUBLIC_HOST if run.is_public else run.login_host
    if host is None:
        raise UsageError(
            f"the login host of {run.address} is not known",
            "give its address as --authority https://LOGIN-HOST/TENANT",
        )
    if not tenant and run.organizations:
        tenant = run.tenant_of(run.organizations[0])
        tenant = None if tenant == MSA_TENANT else tenant
    return entra.authority(tenant or entra.ANY_WORK_TENANT, host)


def _ask_who(run: Run, grant: Grant, person: Person) -> Person:
    """Return the person with the name that Azure DevOps knows; where to ask another cloud is not documented."""
    name = ""
    with contextlib.suppress(AzdoError):
        if run.is_public:
            name = printable(api.profile(run.http(), api.bearer(grant.access_token)).name).strip()
    return replace(person, name=name or person.subject or UNNAMED, names=frozenset({name.lower()}))


def _reach(
    run: Run, grant: Grant, *, is_entra: bool
) -> tuple[list[AnyOrganization], dict[AnyOrganization, str]]:
    """Return the organizations that the person can access, and the tenant of each. Trouble costs a line only."""
    http, authorization = run.http(), api.bearer(grant.access_token)
    # Another cloud's token must not travel to the public one, and where that cloud lists organizations is not known.
    listed: Sequence[AnyOrganization] = []
    if run.is_public:
        try:
            listed = api.organizations(http, authorization, api.profile(http, authorization).id)
        except AzdoError as error:
            if is_entra or not run.organizations:
                say("error", f"the organizations could not be listed: {error.message}")
    found = list(dict.fromkeys([*run.organizations, *listed]))
    tenants: dict[AnyOrganization, str] = {}
    for organization in found:
        try:
            tenant = run.tenant_of(organization)
        except AzdoError as error:
            say("error", f"the tenant of {organization} could not be asked: {error.message}")
            continue
        if tenant:
            tenants[organization] = tenant
    return found, tenants


def _try_out(run: Run, grant: Grant, person: Person, tenants: Mapping[AnyOrganization, str]) -> None:
    """Raise ServiceError if an organization that the person named, of the tenant signed in at, refuses the new token."""
    for organization in run.organizations:
        own = {tenants.get(organization, "?"), person.tenant}
        if len(own) > 1 and not own <= PERSONAL_TENANTS:
            continue  # its token is another one, got when it is needed
        try:
            api.who_am_i(run.http(), organization, api.bearer(grant.access_token))
        except api.UnauthorizedError as refused:
            raise ServiceError(
                f"{person.name} signed in, but {refused.message}; nothing was stored",
                f"sign in as a user of {organization}: {hints.setup(organization)};"
                f" or keep a token of it: {hints.setup_pat(organization)}",
            ) from None
        except AzdoError as error:
            say("error", f"{organization} could not be asked: {error.message}")


def _is_same(older: Account, person: Person, authority: str, token_endpoint: str) -> bool:
    """Return whether an older account is this person's: at Entra one name is one person, whichever tenant was asked."""
    endpoint, subject = older.block.get("token_endpoint"), older.block.get("subject")
    same_name = older.name.lower() == person.name.lower()
    if not entra.is_entra(token_endpoint):
        same_authority = older.block.get("authority").rstrip("/") == authority.rstrip("/")
        return same_authority and (subject == person.subject if person.subject else same_name)
    if person.subject and (subject, older.tenant) == (person.subject, person.tenant):
        return True
    # A work and a personal account may have the same name and are still two.
    both = (older.tenant in PERSONAL_TENANTS) == (person.tenant in PERSONAL_TENANTS)
    return both and same_name and entra.same_cloud(endpoint, token_endpoint)
