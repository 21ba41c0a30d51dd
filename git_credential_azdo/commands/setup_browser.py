"""``setup`` with a browser: the link, the code, the tokens for it, and whether they are of the right person.

Somebody else than ``--login-hint`` names is never taken without a question: the link stands in the browser's arguments,
where other users of the machine can read it and sign in by it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from git_credential_azdo import hints
from git_credential_azdo.accounts.save import now
from git_credential_azdo.commands import console
from git_credential_azdo.commands.parsing import again
from git_credential_azdo.errors import SignInError, say
from git_credential_azdo.signin import entra, exchange, interactive, oauth, sign_in_errors
from git_credential_azdo.signin.browser import open_browser
from git_credential_azdo.signin.listener import Page
from git_credential_azdo.signin.oauth import OAuthError
from git_credential_azdo.signin.person import read_person
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from git_credential_azdo.commands.setup_oauth import Options
    from git_credential_azdo.signin.endpoints import Endpoints
    from git_credential_azdo.signin.interactive import Authorization
    from git_credential_azdo.signin.oauth import Grant
    from git_credential_azdo.signin.person import Person

ASK_SECONDS = 60.0
TRIES = 3
_HINT_OPTION = "--login-hint"


def grant(options: Options, endpoints: Endpoints, client_id: str, scope: str) -> tuple[Grant, int]:
    """Let a person sign in with a browser; return what the authority granted, and when it came.

    A stale code gets another try if a person is there. Raise SignInError (declined, refused, too late, somebody else),
    NetworkError, ServiceError.
    """
    is_entra = entra.is_entra(endpoints.token)

    def run(authorization: Authorization) -> tuple[Grant, int]:
        form = oauth.code_form(
            client_id=client_id,
            code=authorization.code,
            redirect_uri=authorization.redirect_uri,
            verifier=authorization.verifier,
            scope=scope,
        )
        with HttpClient(ASK_SECONDS) as web:
            grant = exchange.request_token(
                web, endpoints.token, form, nonce=authorization.nonce, audience=client_id
            )
        return grant, now()

    for attempt in range(1, TRIES + 1):
        try:
            authorization, granted = interactive.sign_in(
                endpoints,
                interactive.Exchange(
                    run, lambda granted: _page(read_person(granted[0], is_entra=is_entra), options.login_hint)
                ),
                client_id=client_id,
                redirect_uri=options.redirect_uri or entra.DEFAULT_REDIRECT,
                scope=scope,
                say=console.err,
                login_hint=options.login_hint,
                prompt="select_account" if is_entra and not options.login_hint else None,
                explain=lambda refused: sign_in_errors.sign_in_error(
                    refused, who=options.login_hint, tenant=options.tenant
                ),
                open_browser=open_browser if options.browser else None,
            )
        except OAuthError as refused:
            error = sign_in_errors.code_error(refused, who=options.login_hint, tenant=options.tenant)
            if attempt == TRIES or not console.can_ask() or not sign_in_errors.is_stale_code(refused):
                raise error from None
            say("error", error.message)
            continue
        person = read_person(granted[0], is_entra=is_entra)
        _confirm(person, options.login_hint, code_alone=not authorization.state_checked)
        return granted
    raise SignInError("no sign-in was completed", hints.setup())


def _page(person: Person, login_hint: str | None) -> Page:
    """Return what the browser shows when the tokens came."""
    if login_hint and not person.is_named(login_hint):
        what = "asks whether to keep this sign-in" if console.can_ask() else "says what to do"
        return Page("Not signed in yet", f"{_is_another(person, login_hint)}. The terminal {what}.")
    name = f" as {person.name}" if person.name else ""
    return Page("Signed in", f"You are signed in{name}. You can close this page and go back to the terminal.")


def _confirm(person: Person, login_hint: str | None, *, code_alone: bool) -> None:
    """Ask whether this is the right person where that is not plain. Raise SignInError for a no, and for no answer."""
    if login_hint and not person.is_named(login_hint):
        another = _is_another(person, login_hint)
        if not console.can_ask():
            raise SignInError(f"{another}; nothing was stored", _again_as(person.name))
        console.err(f"{another}.")
        if not console.confirm("Keep this sign-in?", default=False):
            raise SignInError(f"{another}; nothing was stored", _again_as(login_hint))
    elif code_alone:
        console.err(f"The code was for {person.name or 'an unnamed account'}.")
        if console.can_ask() and not console.confirm("Is that you?", default=True):
            raise SignInError("the code was for somebody else; nothing was stored", hints.setup())


def _is_another(person: Person, login_hint: str) -> str:
    return f"{person.name or 'an unnamed account'} signed in, not {login_hint}"


def _again_as(name: str) -> str:
    """Return the same command for another sign-in name."""
    words = sys.argv[1:]
    for position, word in enumerate(words):
        if word.startswith(f"{_HINT_OPTION}="):
            words[position] = f"{_HINT_OPTION}={name}"
        elif word == _HINT_OPTION:
            words[position + 1 : position + 2] = [name]
    return again(words)
