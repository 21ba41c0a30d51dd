"""``setup`` for a person, by OAuth: where to sign in, who it was, what the account can reach; and by device code.

The endpoints come from the authority's own OpenID configuration document, so any authority that conforms will do. A
device code is used only on request, never as what anything falls back to (RFC 8628; many tenants block it).
"""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import OAUTH, access_entry
from git_credential_azdo.accounts.choice import PERSONAL_TENANTS
from git_credential_azdo.accounts.save import NewAccount, now
from git_credential_azdo.commands import console
from git_credential_azdo.commands.parsing import again
from git_credential_azdo.commands.setup_run import common
from git_credential_azdo.devops import api
from git_credential_azdo.errors import AzdoError, ServiceError, UsageError, printable, say
from git_credential_azdo.git.target import MSA_TENANT
from git_credential_azdo.signin import device, entra, exchange
from git_credential_azdo.signin.endpoints import OtherHostsError, origin
from git_credential_azdo.signin.oauth import OAuthError
from git_credential_azdo.signin.person import Person, is_same, read_person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.commands.setup_run import Run
    from git_credential_azdo.git.target import AnyOrganization
    from git_credential_azdo.signin.device import DeviceCode
    from git_credential_azdo.signin.endpoints import Endpoints
    from git_credential_azdo.signin.oauth import Grant

    SignIn = Callable[[Run, "Options", Endpoints], tuple[Grant, int]]

_OPTIONS = (
    click.option("--tenant", help="Entra tenant: its id or a domain of it."),
    click.option("--authority", metavar="URL", help="Issuer, instead of Microsoft's."),
    click.option(
        "--client-id", metavar="ID", default=entra.DEFAULT_CLIENT_ID, help="Your own app registration."
    ),
    click.option("--scope", default=entra.DEFAULT_SCOPE, help="Scopes to request."),
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


@click.command("device-code", short_help="Short code to type on another device")
@common
@options
def device_code(run: Run, **given: Any) -> None:
    """Sign in with a code that you type on another device. Many tenants block this way.

    \b
    Examples:
      git credential-azdo setup device-code
      git credential-azdo setup device-code --org contoso --tenant contoso.com
    """
    sign_in(run, Options(**given), _by_device_code)


def sign_in(run: Run, options: Options, ask: SignIn) -> None:
    """Let a person sign in by ``ask``, find out who it was, and save the account.

    Raise SignInError, NetworkError, ServiceError, UsageError, VaultError; KeyboardInterrupt for Ctrl-C.
    """
    run.check(OAUTH)
    vault_name = run.choose_vault()
    authority = options.authority or _authority(run, options.tenant)
    endpoints = exchange.discover(run.http(), authority, lambda other: _confirm(options, other))
    grant, received = ask(run, options, endpoints)
    is_entra = entra.is_entra(endpoints.token)
    person = read_person(grant, is_entra=is_entra)
    if not person.name:
        person = _ask_who(run, grant, person)
    found, tenants = _reach(run, grant, is_entra=is_entra)
    _try_out(run, grant, person, tenants)
    if not grant.refresh_token:
        say("hint", "no refresh token was returned; you must sign in again when the access token expires")

    def replaces(older: Account) -> bool:
        at_home = (older.kind, older.address) == (OAUTH, run.address)
        return at_home and is_same(older, person, authority, endpoints.token)

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
        tenant = api.tenant_of(run.http(), run.organizations[0])
        tenant = None if tenant == MSA_TENANT else tenant
    return entra.authority(tenant or entra.ANY_WORK_TENANT, host)


def _ask_who(run: Run, grant: Grant, person: Person) -> Person:
    """Return the person with the name that Azure DevOps knows; where to ask another cloud is not documented."""
    name = ""
    with contextlib.suppress(AzdoError):
        if run.is_public:
            name = printable(api.profile(run.http(), api.bearer(grant.access_token)).name).strip()
    return Person(name or person.subject or "signed-in", person.subject, person.tenant)


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
            tenant = api.tenant_of(http, organization)
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
        except api.Refused as refused:
            raise ServiceError(
                f"{person.name} signed in, but {refused.message}; nothing was stored",
                f"sign in as a user of {organization}: {hints.setup(organization)};"
                f" or keep a token of it: {hints.setup_pat(organization)}",
            ) from None
        except AzdoError as error:
            say("error", f"{organization} could not be asked: {error.message}")


def _by_device_code(run: Run, options: Options, endpoints: Endpoints) -> tuple[Grant, int]:
    """Let a person sign in by device code; return what the authority granted, and when it came.

    Raise SignInError (declined, blocked by the tenant, too late), NetworkError, ServiceError.
    """
    try:
        code = device.ask_code(run.http(), endpoints, client_id=options.client_id, scope=options.scope)
        _show(code)
        with _countdown() as tick:
            grant = device.wait(
                endpoints,
                code,
                client_id=options.client_id,
                tick=tick,
                open_web=lambda seconds: contextlib.nullcontext(run.http(seconds)),
                sleep=time.sleep,
            )
            return grant, now()
    except OAuthError as refused:
        raise device.explain(refused, tenant=options.tenant) from None


def _show(code: DeviceCode) -> None:
    for line in ("open this link on any device and type the code:", "", code.page, code.user_code, ""):
        console.err(line)
    if code.direct_page:
        console.err(f"or open this link, which has the code in it: {code.direct_page}")
        console.err()
    console.err("type it only because you ran this command yourself, just now")
    if not console.stderr_is_terminal():
        console.err(f"waiting, at most {round(code.expires_in / 60)} minutes")


@contextlib.contextmanager
def _countdown() -> Iterator[Callable[[float], None]]:
    """Give what shows the seconds left, in one line of a terminal that is left behind at the end."""

    def show(left: float) -> None:
        minutes, seconds = divmod(round(left), 60)
        console.progress(f"waiting, {minutes:2}:{seconds:02} left ")

    if not console.stderr_is_terminal():
        yield lambda _left: None
        return
    try:
        yield show
    finally:
        console.err()
