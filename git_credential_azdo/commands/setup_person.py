"""``setup`` for a user, by OAuth: the browser, where to sign in, who signed in, and what the account can reach.

The endpoints come from the authority's own OpenID configuration document, so any conforming authority works, and
parameters that only Entra knows are sent only to Entra. A user other than the one in ``--login-hint`` must never be
accepted without a question: the browser's arguments contain the link, and other users of the machine can read it there
and sign in with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import OAUTH, Account, access_entry
from git_credential_azdo.accounts.choice import PERSONAL_TENANTS
from git_credential_azdo.accounts.save import NewAccount, now
from git_credential_azdo.commands import console
from git_credential_azdo.commands.parsing import again, same_command
from git_credential_azdo.commands.setup_run import Run
from git_credential_azdo.devops import api
from git_credential_azdo.errors import AzdoError, ServiceError, SignInError, UsageError, say
from git_credential_azdo.git.target import MSA_TENANT, AnyOrganization
from git_credential_azdo.refresh import access_payload, refresh_payload
from git_credential_azdo.signin import authorities, browser, interactive, oauth
from git_credential_azdo.signin.authorities import Endpoints, OtherHostsError, discover
from git_credential_azdo.signin.browser import Page
from git_credential_azdo.signin.interactive import Authorization
from git_credential_azdo.signin.oauth import Grant, OAuthError, Person, read_person
from git_credential_azdo.signin.sign_in_errors import UNNAMED, flags_of, sign_in_error

SignIn = Callable[[Run, Endpoints], tuple[Grant, bool]]
"""Returns what the authority granted, and whether it is for this sign-in: a code pasted without its state may not be."""

_TRIES = 3
OPTIONS = ("tenant", "authority", "client_id", "scope", "login_hint", "bearer", "endpoint_hosts")


def sign_in(run: Run, ask: SignIn) -> None:
    """Sign the user in by ``ask``, find out who it was, and save the account.

    Raise SignInError, NetworkError, ServiceError, UsageError, VaultError; KeyboardInterrupt for Ctrl-C.
    """
    vault_name = run.choose_vault()
    run.authority = run.authority or _authority(run)
    is_entra = authorities.is_entra(authorities.read_authority(run.authority)[0])
    if not is_entra and not run.client_id:
        raise UsageError(
            "missing --client-id: this authority knows only its own clients",
            again(sys.argv[1:], ["--client-id", "ID"]),
        )
    run.client_id = run.client_id or authorities.DEFAULT_CLIENT_ID
    run.scope = run.scope or (authorities.DEFAULT_SCOPE if is_entra else oauth.OPENID_SCOPE)
    endpoints = discover(run.http(), run.authority, lambda other: _confirm_hosts(run, other))
    grant, is_answer = ask(run, endpoints)
    received = now()
    person = read_person(grant, is_entra=is_entra)
    name, listed = _profile(run, grant, is_entra=is_entra)
    if not person.name:
        who = name or person.subject or UNNAMED
        person = replace(person, name=who, names=frozenset({name.lower()}))
    _confirm_person(person, run.login_hint, is_answer=is_answer)
    found = list(dict.fromkeys([*run.organizations, *listed]))
    tenants = _tenants(run, found)
    _try_out(run, grant, person, tenants)
    if not grant.refresh_token:
        say("hint", "no refresh token was returned; you must sign in again when the access token expires")

    def replaces(older: Account) -> bool:
        at_home = (older.kind, older.address) == (OAUTH, run.address)
        return at_home and _is_same(older, person, run.authority, endpoints.token)

    home = {"subject": person.subject, "tenant": person.tenant, "authority": run.authority}
    token_endpoint = endpoints.token
    older = next((account for account in run.accounts_file.accounts if replaces(account)), None)
    if older:  # what one tenant lists is not all: guests have organizations in several
        found += [each for each in older.organizations if each not in found]
        named_tenant = not run.authority.endswith(f"/{authorities.ANY_WORK_TENANT}")
        if older.tenant != person.tenant and named_tenant:  # a guest there: the account keeps its own tenant
            home = {key: older.block.get(key) for key in home}
            token_endpoint = endpoints.token.for_tenant(older.tenant)
    fields = {
        "name": person.name,
        **home,
        "token_endpoint": token_endpoint,
        "client_id": run.client_id,
        "redirect_uri": run.redirect_uri,
        # Entra's response omits offline_access and other scopes that keep the sign-in alive; other authorities return
        # what they granted (RFC 6749 section 5.1), and a refresh must not ask for more than that (section 6).
        "scope": run.scope if is_entra else grant.scope or run.scope,
        "authtype": "Bearer" if run.bearer else "",
    }
    secrets = {access_entry(person.tenant): access_payload(grant, received)}
    if grant.refresh_token:
        secrets = {"refresh": refresh_payload(grant.refresh_token, received, endpoints.token), **secrets}
    account = NewAccount(
        kind=OAUTH,
        fields=list(fields.items()),
        alias=run.alias,
        secrets=secrets,
        tokens=[(person.tenant, grant.access_token, received)],
        chosen=run.organizations,
        found=found,
        tenants=tenants,
        replaces=replaces,
    )
    run.finish(account, vault_name, api.bearer(grant.access_token))


def _authority(run: Run) -> str:
    """Return Microsoft's authority to sign in at, on the login host of the organizations' own cloud.

    The tenant is the one named, else that of the first organization named, else any of the user's.
    """
    host = authorities.PUBLIC_HOST if run.is_public else run.login_host
    if host is None:
        raise UsageError(
            f"the login host of {run.address} is not known",
            "give its address as --authority https://LOGIN-HOST/TENANT",
        )
    asked = run.tenant_of(run.organizations[0]) if run.organizations and not run.tenant else None
    return authorities.authority_of(
        run.tenant or (asked if asked != MSA_TENANT else None) or authorities.ANY_WORK_TENANT, host
    )


def _confirm_hosts(run: Run, other: OtherHostsError) -> bool:
    """Return whether the user accepts endpoints on hosts other than the authority's. Raise UsageError without a terminal."""
    if set(other.hosts) <= {host.lower() for host in run.endpoint_hosts}:
        return True
    if console.can_ask():
        console.err(f"{other.message}.")
        return console.confirm("Send this sign-in's codes and tokens there?", default=False)
    more = [word for host in other.hosts for word in ("--endpoint-host", host)]
    raise UsageError(other.message, f"if they belong to it: {again(sys.argv[1:], more)}")


def by_browser(run: Run, endpoints: Endpoints) -> tuple[Grant, bool]:
    """Sign the user in with a browser; a stale code gets another try if the user can be prompted.

    Raise SignInError (declined, refused, too late), NetworkError, ServiceError.
    """
    is_entra = authorities.is_entra(endpoints.token)

    def explain(refused: OAuthError, *, is_first: bool = False) -> SignInError:
        return sign_in_error(
            refused, who=run.login_hint, tenant=run.tenant, setup=same_command, is_first=is_first
        )

    def redeem(authorization: Authorization) -> tuple[tuple[Grant, bool], Page]:
        try:
            grant = authorities.request_token(
                run.http(),
                endpoints.token,
                "authorization_code",
                client_id=run.client_id,
                nonce=authorization.nonce,
                code=authorization.code,
                redirect_uri=authorization.redirect_uri,
                code_verifier=authorization.verifier,
                scope=run.scope,
            )
        except OAuthError as refused:
            error = explain(refused, is_first=True)
            if "stale-code" in flags_of(refused) and left and console.can_ask():
                raise _StaleCodeError(error.message, "open the new link that the terminal shows") from None
            raise error from None
        page = _page(run, read_person(grant, is_entra=is_entra))
        return (grant, authorization.state_checked), page

    left = _TRIES
    while True:
        left -= 1
        try:
            return interactive.sign_in(
                endpoints,
                redeem,
                client_id=run.client_id,
                redirect_uri=run.redirect_uri,
                scope=run.scope,
                say=console.err,
                login_hint=run.login_hint,
                prompt="select_account" if is_entra and not run.login_hint else None,
                explain=explain,
                open_browser=None if run.no_browser else browser.open_browser,
            )
        except _StaleCodeError as error:
            say("error", error.message)


class _StaleCodeError(SignInError):
    """A code was used, has expired or belongs to another link; another try may succeed."""


def _page(run: Run, person: Person) -> Page:
    """Return the page that the browser shows after the tokens were received."""
    if run.login_hint and not person.names:  # Azure DevOps may know who it is
        return browser.LATE
    another = another_person(person, run.login_hint)
    if another is None:
        return browser.signed_in(person.name)
    return browser.another_person(another) if console.can_ask() else browser.refused(another)


def another_person(person: Person, login_hint: str) -> SignInError | None:
    """Return the error if someone other than the user in ``login_hint`` signed in, or None."""
    if not login_hint or login_hint.strip().lower() in person.names:
        return None
    who = person.name or "an unnamed account"
    hint = same_command(login_hint=person.name)
    return SignInError(f"{who} signed in, not {login_hint}; nothing was stored", hint)


def _confirm_person(person: Person, login_hint: str, *, is_answer: bool) -> None:
    """Ask whether the right user signed in, if that is not certain. Raise SignInError if not.

    Without a terminal, raise it for any user other than the one in ``login_hint``.
    """
    another = another_person(person, login_hint)
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


def _profile(run: Run, grant: Grant, *, is_entra: bool) -> tuple[str, Sequence[AnyOrganization]]:
    """Return the name and the organizations that Azure DevOps has for the user. A failure is only reported."""
    try:
        return run.person(api.bearer(grant.access_token))
    except AzdoError as error:
        if is_entra or not run.organizations:
            say("error", f"the organizations could not be listed: {error.message}")
        return "", ()


def _tenants(run: Run, organizations: Sequence[AnyOrganization]) -> dict[AnyOrganization, str]:
    """Return the tenant of each organization that has one. A failure is only reported."""
    tenants: dict[AnyOrganization, str] = {}
    for organization in organizations:
        try:
            if tenant := run.tenant_of(organization):
                tenants[organization] = tenant
        except AzdoError as error:
            say("error", f"the tenant of {organization} could not be asked: {error.message}")
    return tenants


def _try_out(run: Run, grant: Grant, person: Person, tenants: dict[AnyOrganization, str]) -> None:
    """Raise ServiceError if an organization that the user named, of the tenant signed in to, refuses the new token."""
    for organization in run.organizations:
        own = {tenants.get(organization, "?"), person.tenant}
        if len(own) > 1 and not own <= PERSONAL_TENANTS:
            continue  # it needs another token, requested when it is used
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
    """Return whether an older account is this user's: in Entra one name is one user, whichever tenant was asked."""
    endpoint, subject = older.block.get("token_endpoint"), older.block.get("subject")
    same_name = older.name.lower() == person.name.lower()
    if not authorities.is_entra(token_endpoint):
        same_authority = older.block.get("authority").rstrip("/") == authority.rstrip("/")
        return same_authority and (subject == person.subject if person.subject else same_name)
    if person.subject and (subject, older.tenant) == (person.subject, person.tenant):
        return True
    # A work and a personal account may have the same name and are still two.
    both = (older.tenant in PERSONAL_TENANTS) == (person.tenant in PERSONAL_TENANTS)
    return both and same_name and authorities.same_cloud(endpoint, token_endpoint)
