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
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from git_credential_azdo.errors import AzdoError, SignInError
from git_credential_azdo.signin import browser, oauth, peer, terminal
from git_credential_azdo.signin.listener import PENDING, Listener, Page, Redirect, listen
from git_credential_azdo.signin.redirect import Code, PasteError, RedirectError, read_redirect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_credential_azdo.signin.endpoints import Endpoints

T = TypeVar("T")
WAIT_SECONDS = 15 * 60.0
_LIMIT = f"; at most {WAIT_SECONDS / 60:.0f} minutes, Ctrl-C stops"
_TICK = 0.2  # seconds; how often slow clients are dropped, and a Windows console is looked at


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
    wait = _Wait(redirect, state, explain, say)
    with wait.opened(open_input()) as source:
        if source is None and not redirect.sockets:
            raise SignInError("there is no way to receive the answer here", "run setup in a terminal")
        for line in ("open this link in a browser and sign in:", "", link, ""):
            say(line)
        if open_browser is not None and open_browser(link):
            say("your browser should show it in a moment")
        for line in _instructions(redirect, source):
            say(line)
        code = wait.for_code(source, time.monotonic() + wait_seconds)
        found = Authorization(code.code, code.state_checked, redirect.uri, verifier, nonce)
        return found, wait.for_outcome(source, exchange, found)


def _instructions(redirect: Redirect, source: terminal.Input | None) -> list[str]:
    if source is None or not source.again:
        return [f"waiting for the answer{_LIMIT}"]
    if not redirect.sockets and not redirect.uri.startswith("http://"):
        what = ["then copy what the last page shows, or its whole address,"]
    else:
        what = [
            "if the browser runs on another machine, its last page cannot be reached; that is expected:",
            f"copy the whole address of that page ({redirect.uri}?code=...),",
        ]
    return [*what, f"paste it here, and nowhere else, and press Enter (it is not shown){_LIMIT}"]


class _Wait:
    """The wait for the first good answer, from the listener or from the person, and for what becomes of it."""

    def __init__(
        self,
        redirect: Redirect,
        state: str,
        explain: Callable[[oauth.OAuthError], AzdoError] | None,
        say: Callable[[str], None],
    ) -> None:
        self._redirect = redirect
        self._state = state
        self._explain = explain
        self._say = say
        self._selector = selectors.SelectSelector()  # the one that can wait for terminals on every system
        self._listener = Listener(redirect, self._on_redirect, self._selector)
        self._code: Code | None = None
        self._refused: RedirectError | None = None
        self._warned = False

    @contextlib.contextmanager
    def opened(self, source: terminal.Input | None) -> Iterator[terminal.Input | None]:
        """Hold the sockets and the terminal, and set everything back at the end."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._selector.close)
            stack.callback(self._listener.close)
            if source is not None:
                stack.enter_context(source)
                if source.fd is not None:
                    self._selector.register(
                        source.fd, selectors.EVENT_READ, lambda: self._read_terminal(source)
                    )
            yield source

    def for_code(self, source: terminal.Input | None, end: float) -> Code:
        """Wait until ``end`` (monotonic seconds)."""
        if source is not None:
            source.prompt()
        while self._code is None:
            left = end - time.monotonic()
            if left <= 0:
                raise SignInError("timed out waiting for the sign-in", "run the same command again")
            self._turn(source, min(left, _TICK))
            if self._refused is not None and self._code is None:
                self._report(source, self._refused)
                self._refused = None
        return self._code

    def for_outcome(self, source: terminal.Input | None, exchange: Exchange[T], found: Authorization) -> T:
        """Exchange the code while Ctrl-C is still heard, and show the browser what became of it."""
        outcome: list[T] = []
        errors: list[BaseException] = []
        done, ended = socket.socketpair()

        def run() -> None:
            try:
                outcome.append(exchange.run(found))
            except BaseException as error:  # noqa: BLE001 - it is raised again, in the thread that waits
                errors.append(error)
            ended.close()

        with done:
            self._selector.register(done, selectors.EVENT_READ, lambda: None)
            threading.Thread(target=run, daemon=True).start()
            while not outcome and not errors:
                self._turn(source, _TICK)
            self._selector.unregister(done)
        if errors:
            self._listener.finish(_failed(errors[0]))
            raise errors[0]
        self._listener.finish(exchange.page(outcome[0]))
        return outcome[0]

    def _turn(self, source: terminal.Input | None, seconds: float) -> None:
        """Wait that long for something to read, and read it."""
        if self._selector.get_map():
            for key, _ in self._selector.select(seconds):
                key.data()
        else:
            time.sleep(seconds)  # Windows, without a listener
        if source is not None and source.fd is None:
            self._read_terminal(source)
        self._listener.drop_slow()

    def _read_terminal(self, source: terminal.Input) -> None:
        """Take what the person pasted."""
        for text in source.poll():
            if self._code is None:
                try:
                    self._code = self._read(text)
                except PasteError as error:
                    self._report(source, error)
        if source.ended and self._code is None:
            if source.again or not self._redirect.sockets:
                raise SignInError("no answer was given", "run the same command again")
            if source.fd is not None:
                self._selector.unregister(source.fd)

    def _on_redirect(self, query: str, client: socket.socket) -> Page | None:
        """Take what arrived at the listener; without the right state it is not our answer."""
        code: Code | None = None
        refused: RedirectError | None = None
        try:
            code = self._read(f"?{query}")
        except RedirectError as error:
            refused = error
        except PasteError:
            return None
        if not (code or refused).state_checked:  # type: ignore[union-attr] # one of them is there
            return None
        if not peer.is_own_user(client):
            return self._refuse_other_user()
        if refused is not None:
            self._refused = refused
            return _refused_page(refused)
        self._code = self._code or code
        return PENDING

    def _refuse_other_user(self) -> Page:
        """Another user who reads the link in the list of processes could sign in by it."""
        if not self._warned:
            self._say("an answer that came from another user of this machine was not taken")
            self._warned = True
        return Page(
            "Not signed in",
            "This answer came from another user of the machine than the one who runs the command.",
            "403 Forbidden",
        )

    def _read(self, text: str) -> Code:
        """Read an answer; a server's no in the words of ``explain``."""
        try:
            return read_redirect(text, state=self._state, redirect_uri=self._redirect.uri)
        except RedirectError as error:
            if self._explain is None:
                raise
            worded = self._explain(error.refused)
            raise RedirectError(error.refused, state_checked=error.state_checked, worded=worded) from None

    def _report(self, source: terminal.Input | None, error: PasteError) -> None:
        """Say what was wrong and wait on, if another try makes sense and a person is there for it."""
        if isinstance(error, RedirectError) and not error.again:
            raise SignInError(error.message, error.hint)
        if source is None or not source.again:
            raise error
        self._say(error.message)
        self._say(error.hint or "")
        source.prompt()


def _refused_page(refused: RedirectError) -> Page:
    what = (
        "To try again, open the link in the terminal again."
        if refused.again
        else "The terminal says what to do."
    )
    return Page("Not signed in", f"{_sentence(refused.message)} {what}")


def _failed(error: BaseException) -> Page:
    message = error.message if isinstance(error, AzdoError) else "the program was stopped"
    return Page("Not signed in", f"{_sentence(message)} The terminal says what to do.")


def _sentence(message: str) -> str:
    return f"{message[:1].upper()}{message[1:]}."
