"""The sign-in with a person: the link, the browser, and two ways for the answer to come back.

The loopback listener and the pasted answer are awaited at once, and the first good one wins; a wrong one is named
and the wait goes on, for fifteen minutes at most. The browser sees "signed in" only when the code was exchanged for
tokens. Prints through a given ``say``, never a secret: the link itself holds none (the challenge, state and nonce in
it are of no use without the verifier).
"""

from __future__ import annotations

import contextlib
import secrets
import selectors
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from git_credential_azdo import deadline
from git_credential_azdo.errors import AzdoError, SignInError
from git_credential_azdo.signin import browser, listener, oauth, pages, terminal
from git_credential_azdo.signin.listener import Listener, Redirect, listen
from git_credential_azdo.signin.redirect import Code, PasteError, RedirectError, read_redirect

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from git_credential_azdo.signin.endpoints import Endpoints
    from git_credential_azdo.signin.pages import Page

T = TypeVar("T")
WAIT_SECONDS = 15 * 60.0
_WAITING = f"waiting for the sign-in, at most {WAIT_SECONDS / 60:.0f} minutes; Ctrl-C stops"
_TICK = (
    0.1  # seconds; how often slow clients are dropped, and a Windows console and the tokens are looked for
)


@dataclass(frozen=True)
class Authorization:
    """A code and what it is exchanged with. With ``state_checked`` False it came alone: name who signed in, and ask."""

    code: str = field(repr=False)
    state_checked: bool
    redirect_uri: str
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)


@dataclass(frozen=True)
class Exchange(Generic[T]):
    """What becomes of a code: ``run`` exchanges it, in a thread of its own; ``page`` is what the browser shows then."""

    run: Callable[[Authorization], T]
    page: Callable[[T], Page]


def sign_in(
    endpoints: Endpoints,
    exchange: Exchange[T],
    *,
    client_id: str,
    redirect_uri: str,
    scope: str,
    say: Callable[[str], None],
    login_hint: str | None = None,
    prompt: str | None = None,
    explain: Callable[[oauth.OAuthError], AzdoError] | None = None,
    open_browser: Callable[[str], bool] | None = browser.open_browser,
    open_input: Callable[[], terminal.Input | None] = terminal.open_input,
    wait_seconds: float = WAIT_SECONDS,
) -> tuple[Authorization, T]:
    """Let a person sign in; return the code, and what ``exchange`` made of it.

    ``say`` prints one line for the person; ``open_browser=None``: open none; ``explain`` words a
    server's refusal (``entra.sign_in_error``). Raise SignInError when the time is over, the person gave up or the
    server refused for good, PasteError when the answer was no answer and no person is there for another try,
    KeyboardInterrupt for Ctrl-C, and what ``exchange.run`` raises.
    """
    state, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    verifier = oauth.new_verifier(secrets.token_bytes(32))
    redirect = listen(redirect_uri)
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
    wait = _Wait(redirect, state, explain, say, open_input())
    with wait:
        if not wait.can_receive:
            raise SignInError("there is no way to receive the answer here", "run setup in a terminal")
        for line in ("open this link in a browser and sign in:", "", link, ""):
            say(line)
        if open_browser is not None and open_browser(link):
            say("your browser should show it in a moment")
        for line in _instructions(redirect, is_typed=wait.has_person):
            say(line)
        code = wait.for_code(time.monotonic() + wait_seconds)
        found = Authorization(code.code, code.state_checked, redirect.uri, verifier, nonce)
        return found, wait.for_outcome(exchange, found)


def _instructions(redirect: Redirect, *, is_typed: bool) -> list[str]:
    if not is_typed:
        return [_WAITING]
    if not redirect.sockets and not redirect.uri.startswith("http://"):
        what = ["then copy what the last page shows, or its whole address,"]
    else:
        what = [
            "if the browser runs on another machine, its last page cannot be reached; that is expected:",
            f"copy the whole address of that page ({redirect.uri}?code=...),",
        ]
    return [*what, "paste it here, and nowhere else, and press Enter (it is not shown)", _WAITING]


class _Wait:
    """The wait for the first good answer, from the listener or from the person, and for what becomes of it."""

    def __init__(
        self,
        redirect: Redirect,
        state: str,
        explain: Callable[[oauth.OAuthError], AzdoError] | None,
        say: Callable[[str], None],
        source: terminal.Input | None,
    ) -> None:
        self._redirect = redirect
        self._state = state
        self._explain = explain
        self._say = say
        self._source = source
        self._selector = selectors.SelectSelector()  # the one that can wait for terminals on every system
        self._listener = Listener(redirect, self._on_redirect, self._selector)
        self._code: Code | None = None
        self._refused: RedirectError | None = None
        self._warned = False

    @property
    def has_person(self) -> bool:
        """Whether a person is there who can paste an answer, and another one."""
        return self._source is not None and self._source.again

    @property
    def can_receive(self) -> bool:
        """Whether an answer can come in, by the listener or by standard input."""
        return self._source is not None or bool(self._redirect.sockets)

    def __enter__(self) -> None:
        if self._source is not None:
            self._source.__enter__()
            if self._source.fd is not None:
                self._selector.register(self._source.fd, selectors.EVENT_READ, self._read_terminal)

    def __exit__(self, *_: object) -> None:
        try:
            if self._source is not None:
                self._source.__exit__()
        finally:
            self._listener.close()
            self._selector.close()

    def for_code(self, end: float) -> Code:
        """Wait until ``end`` (monotonic seconds)."""
        if self._source is not None:
            self._source.prompt()
        while self._code is None:
            left = end - time.monotonic()
            if left <= 0:
                raise SignInError("timed out waiting for the sign-in", "run the same command again")
            self._turn(min(left, _TICK))
            if self._refused is not None and self._code is None:
                self._report(self._refused)
                self._refused = None
        return self._code

    def for_outcome(self, exchange: Exchange[T], found: Authorization) -> T:
        """Exchange the code while Ctrl-C is still heard, and show the browser what became of it."""
        result_within = deadline.in_thread(lambda: exchange.run(found))
        while True:
            with contextlib.suppress(deadline.TimedOut):
                try:
                    outcome = result_within(0)
                except AzdoError as error:
                    self._listener.finish(pages.refused(error))
                    raise
                self._listener.finish(exchange.page(outcome))
                return outcome
            self._turn(_TICK)

    def _turn(self, seconds: float) -> None:
        """Wait that long for something to read, and read it."""
        if self._selector.get_map():
            for key, _ in self._selector.select(seconds):
                key.data()
        else:
            time.sleep(seconds)  # Windows, without a listener
        if self._source is not None and self._source.fd is None:
            self._read_terminal()
        self._listener.drop_slow()

    def _read_terminal(self) -> None:
        """Take what the person pasted."""
        source = self._source
        if source is None:
            return
        for text in source.poll():
            if self._code is None:
                try:
                    self._code = self._read(text)
                except PasteError as error:
                    self._report(error)
        if source.ended and self._code is None:
            if source.again or not self._redirect.sockets:
                raise SignInError("no answer was given", "run the same command again")
            if source.fd is not None:
                self._selector.unregister(source.fd)

    def _on_redirect(self, query: str, client: socket.socket) -> Page | None:
        """Take what arrived at the listener; without the right state it is not our answer."""
        try:
            answer: Code | RedirectError = self._read(f"?{query}")
        except RedirectError as error:
            answer = error
        except PasteError:
            return None
        if not answer.state_checked:
            return None
        if not listener.is_own_user(client):
            return self._refuse_other_user()
        if isinstance(answer, RedirectError):
            self._refused = answer
            return pages.refused(answer if answer.again and self.has_person else answer.final)
        self._code = self._code or answer
        return pages.PENDING

    def _refuse_other_user(self) -> Page:
        """Another user who reads the link in the list of processes could sign in by it."""
        if not self._warned:
            self._say("an answer that came from another user of this machine was not taken")
            self._warned = True
        return pages.OTHER_USER

    def _read(self, text: str) -> Code:
        """Read an answer; a server's no in the words of ``explain``."""
        try:
            return read_redirect(text, state=self._state, redirect_uri=self._redirect.uri)
        except RedirectError as error:
            if self._explain is None:
                raise
            worded = self._explain(error.refused)
            raise RedirectError(error.refused, state_checked=error.state_checked, worded=worded) from None

    def _report(self, error: PasteError) -> None:
        """Say what was wrong and wait on, if another try makes sense and a person is there for it."""
        if isinstance(error, RedirectError) and not (error.again and self.has_person):
            raise error.final
        if self._source is None or not self.has_person:
            raise error
        self._say(error.message)
        self._say(error.hint or "")
        self._source.prompt()
