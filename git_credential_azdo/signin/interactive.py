"""The interactive sign-in: the link, the browser, and two ways for the authorization response to come back.

The loopback listener and the pasted redirect are awaited at once, and the first valid one is used; a wrong one is
reported and the wait goes on, for fifteen minutes at most. The browser shows "signed in" only once the code has been
exchanged for tokens. Prints through a given ``say``, but must never print a secret: the link itself holds none (its
challenge, state and nonce are of no use without the verifier).
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, final

from git_credential_azdo import deadline
from git_credential_azdo.errors import AzdoError, SignInError
from git_credential_azdo.signin import browser, listener, oauth, terminal
from git_credential_azdo.signin.authorities import Endpoints
from git_credential_azdo.signin.browser import Page
from git_credential_azdo.signin.listener import Listener, Redirect, listen
from git_credential_azdo.signin.redirect import Code, PasteError, RedirectError, read_redirect

T = TypeVar("T")
WAIT_SECONDS = 15 * 60.0
_WAITING = f"waiting for the sign-in, at most {WAIT_SECONDS / 60:.0f} minutes; Ctrl-C stops"
_SAME_AGAIN = "run the same command again"
_TICK = 0.1  # seconds; how often the listener and the exchange are polled


@dataclass(frozen=True)
class Authorization:
    """A code and what it is exchanged with. Without ``state_checked`` it came alone: show who signed in, and ask."""

    code: str = field(repr=False)
    state_checked: bool
    redirect_uri: str
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)


def sign_in(
    endpoints: Endpoints,
    exchange: Callable[[Authorization], tuple[T, Page]],
    *,
    client_id: str,
    redirect_uri: str,
    scope: str,
    say: Callable[[str], None],
    explain: Callable[[oauth.OAuthError], AzdoError],
    open_browser: Callable[[str], bool] | None,
    login_hint: str | None = None,
    prompt: str | None = None,
    open_input: Callable[[], terminal.Input | None] = terminal.open_input,
    wait_seconds: float = WAIT_SECONDS,
) -> T:
    """Have the user sign in; return the first value of what ``exchange`` returns, and show its page in the browser.

    ``exchange`` runs in a thread of its own; ``say`` prints one line for the user; ``explain`` returns the error to
    show for an OAuth error. Raise SignInError when the time is over, the user gave up or the server's error is final,
    PasteError for something other than the response when no user is there for another try, KeyboardInterrupt for
    Ctrl-C, and what ``exchange`` raises.
    """
    state, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    verifier = secrets.token_urlsafe(48)  # 64 characters; RFC 7636 section 4.1 requires 43 to 128
    redirect, source = listen(redirect_uri), open_input()
    if source is None and not redirect.sockets:
        raise SignInError("there is no way to receive the sign-in response here", "run setup in a terminal")
    link = oauth.authorize_url(
        endpoints.authorization,
        client_id=client_id,
        redirect_uri=redirect.uri,
        scope=scope,
        state=state,
        nonce=nonce,
        code_challenge=oauth.challenge(verifier),
        login_hint=login_hint,
        prompt=prompt,
    )
    with _Wait(redirect, state, explain, say, source or terminal.Input()) as wait:
        for line in ("open this link in a browser and sign in:", "", link, ""):
            say(line)
        if open_browser is not None and open_browser(link):
            say("your browser should show it in a moment")
        for line in _instructions(redirect, has_person=bool(source and source.has_person)):
            say(line)
        with deadline.user_wait():
            code = wait.for_code(time.monotonic() + wait_seconds)
        found = Authorization(code.code, code.state_checked, redirect.uri, verifier, nonce)
        return wait.for_outcome(lambda: exchange(found))


def _instructions(redirect: Redirect, *, has_person: bool) -> list[str]:
    if not has_person:
        return [_WAITING]
    if not redirect.sockets and not redirect.uri.startswith("http://"):
        what = ["then copy what the last page shows, or its whole address,"]
    else:
        what = [
            "if the browser runs on another machine, its last page cannot be reached; that is expected:",
            f"copy the whole address of that page ({redirect.uri}?code=...),",
        ]
    return [*what, "paste it here, and nowhere else, and press Enter (it is not shown)", _WAITING]


@final
@dataclass(repr=False, eq=False)
class _Wait:
    """The wait for the first valid response, from the listener or the user, and for the exchange of its code."""

    redirect: Redirect
    state: str
    explain: Callable[[oauth.OAuthError], AzdoError]
    say: Callable[[str], None]
    source: terminal.Input
    code: Code | None = None
    refused: PasteError | None = None
    has_warned: bool = False

    def __post_init__(self) -> None:
        self._listener = Listener(self.redirect, self._on_redirect)

    def __enter__(self) -> _Wait:
        self.source.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.source.__exit__()
        finally:
            self._listener.close()

    def for_code(self, end: float) -> Code:
        """Return the code, waiting until ``end`` (monotonic seconds) at most."""
        self.source.prompt()
        while self.code is None:
            if time.monotonic() >= end:
                raise SignInError("timed out waiting for the sign-in", _SAME_AGAIN)
            self._turn()
            if self.refused is not None and self.code is None:
                self._report(self.refused)
                self.refused = None
        return self.code

    def for_outcome(self, exchange: Callable[[], tuple[T, Page]]) -> T:
        """Exchange the code, still handling Ctrl-C, and show the outcome in the browser."""
        result_within = deadline.in_thread(exchange)
        while True:
            with contextlib.suppress(deadline.TimedOut):
                try:
                    outcome, page = result_within(0)
                except AzdoError as error:
                    self._listener.finish(browser.refused(error))
                    raise
                self._listener.finish(page)
                return outcome
            self._turn()

    def _turn(self) -> None:
        """Handle what the user pastes within ``_TICK``, and what has arrived at the listener."""
        if self.source.ended:
            time.sleep(_TICK)
        for text in () if self.source.ended else self.source.poll(_TICK):
            if self.code is None:
                try:
                    self.code = self._read(text)
                except PasteError as error:
                    self._report(error)
        is_last = self.source.has_person or not self.redirect.sockets
        if self.source.ended and is_last and self.code is None:
            raise SignInError("no input was given", _SAME_AGAIN)
        self._listener.poll()

    def _on_redirect(self, query: str, client: socket.socket) -> Page | None:
        """Handle what arrived at the listener; without the right state it is not the response to our request."""
        try:
            answer: Code | PasteError = self._read(f"?{query}")
        except PasteError as error:
            answer = error
        if not answer.state_checked:
            return None
        if not listener.is_own_user(client):  # another user could have signed in with the link
            if not self.has_warned:
                self.say("ignored a response from another user of this machine")
                self.has_warned = True
            return browser.OTHER_USER
        if isinstance(answer, PasteError):
            self.refused = answer
            return browser.refused(self._worded(answer))
        self.code = self.code or answer
        return browser.PENDING

    def _read(self, text: str) -> Code:
        return read_redirect(text, state=self.state, redirect_uri=self.redirect.uri)

    def _may_retry(self, error: PasteError) -> bool:
        return error.again and self.source.has_person

    def _worded(self, error: PasteError) -> AzdoError:
        """Return the error to show; for an OAuth error the message of ``explain``, with the hint that fits here."""
        if not isinstance(error, RedirectError):
            return error
        worded = self.explain(error.refused)
        return SignInError(worded.message, error.hint if self._may_retry(error) else worded.hint)

    def _report(self, error: PasteError) -> None:
        """Print what was wrong and prompt again; raise it if another try is pointless or no user is there for it."""
        worded = self._worded(error)
        if not self._may_retry(error):
            raise worded
        self.say(worded.message)
        self.say(worded.hint or "")
        self.source.prompt()
