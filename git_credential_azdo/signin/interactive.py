"""The sign-in with a person: the link, the browser, and two ways for the answer to come back.

The loopback listener and the pasted answer are awaited at once, and the first good one wins; a wrong one is
told and the wait goes on, for fifteen minutes at most. Prints through a given ``say``, never a secret: the
link itself holds none (the challenge, state and nonce in it are of no use without the verifier).
"""

from __future__ import annotations

import contextlib
import secrets
import selectors
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_credential_azdo.errors import AzdoError, SignInError
from git_credential_azdo.signin import browser, oauth, terminal
from git_credential_azdo.signin.answer import AnswerRefused, Code, PasteError, read_answer
from git_credential_azdo.signin.listener import Listener, Page, Place, listen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_credential_azdo.signin.endpoints import Endpoints

WAIT_SECONDS = 15 * 60.0
_TICK = 0.2  # seconds; how often slow clients are dropped, and a Windows console is looked at


@dataclass(frozen=True)
class Authorization:
    """A code and what redeems it. With ``state_checked`` False it came alone: name who signed in, and ask."""

    code: str = field(repr=False)
    state_checked: bool
    redirect_uri: str
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)


def authorize(
    endpoints: Endpoints,
    *,
    client_id: str,
    redirect_uri: str,
    scope: str,
    say: Callable[[str], None],
    login_hint: str | None = None,
    prompt: str | None = None,
    domain_hint: str | None = None,
    claims: str | None = None,
    explain: Callable[[oauth.TokenRefused], AzdoError] | None = None,
    open_browser: Callable[[str], bool] | None = browser.open_browser,
    open_input: Callable[[], terminal.Input | None] = terminal.open_input,
    wait_seconds: float = WAIT_SECONDS,
) -> Authorization:
    """Let a person sign in, and give the code. ``say`` prints one line for the person.

    ``open_browser=None``: open none. ``explain`` words a server's refusal (``entra.sign_in_error``).
    Raises SignInError when the time is over or the person gave up; PasteError when the answer was no answer,
    or a no, and nobody is there for another try; KeyboardInterrupt for Ctrl-C.
    """
    state, nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    verifier = oauth.new_verifier(secrets.token_bytes(32))
    place = listen(redirect_uri)
    link = oauth.authorize_url(
        endpoints.authorization,
        client_id=client_id,
        redirect_uri=place.redirect_uri,
        scope=scope,
        state=state,
        nonce=nonce,
        code_challenge=oauth.challenge(verifier),
        login_hint=login_hint,
        prompt=prompt,
        domain_hint=domain_hint,
        claims=claims,
    )
    wait = _Wait(place, state, explain, say)
    with wait.opened(open_input()) as source:
        if source is None and not place.sockets:
            raise SignInError("there is no way to receive the answer here", "run setup in a terminal")
        for line in ("open this link in a browser and sign in:", "", link, ""):
            say(line)
        if open_browser is not None and open_browser(link):
            say("your browser should show it in a moment")
        for line in _instructions(place, source):
            say(line)
        code = wait.for_code(source, time.monotonic() + wait_seconds)
    return Authorization(code.code, code.state_checked, place.redirect_uri, verifier, nonce)


def _instructions(place: Place, source: terminal.Input | None) -> list[str]:
    if source is None or not source.again:
        return ["waiting for the answer"]
    if not place.sockets and not place.redirect_uri.startswith("http://"):
        what = ["then copy what the last page shows, or its whole address,"]
    else:
        what = [
            "if the browser runs on another machine, its last page cannot be reached; that is expected:",
            f"copy the whole address of that page ({place.redirect_uri}?code=...),",
        ]
    return [*what, "paste it here, and nowhere else, and press Enter (it is not shown)"]


class _Wait:
    """The wait for the first good answer, from the listener or from the person."""

    def __init__(
        self,
        place: Place,
        state: str,
        explain: Callable[[oauth.TokenRefused], AzdoError] | None,
        say: Callable[[str], None],
    ) -> None:
        self._place = place
        self._state = state
        self._explain = explain
        self._say = say
        self._selector = selectors.SelectSelector()  # the one that can wait for terminals on every system
        self._listener = Listener(place, self._judge, self._selector)
        self._code: Code | None = None
        self._refused: PasteError | None = None

    @contextlib.contextmanager
    def opened(self, source: terminal.Input | None) -> Iterator[terminal.Input | None]:
        """Hold the sockets and the terminal, and set everything back at the end."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._selector.close)
            stack.callback(self._listener.close)
            if source is not None:
                stack.enter_context(source)
                if source.fd is not None:
                    self._selector.register(source.fd, selectors.EVENT_READ, lambda: self._hear(source))
            yield source

    def for_code(self, source: terminal.Input | None, end: float) -> Code:
        """Wait until ``end`` (monotonic seconds)."""
        if source is not None:
            source.prompt()
        while self._code is None:
            left = end - time.monotonic()
            if left <= 0:
                raise SignInError("nobody signed in in time", "run the same command again")
            self._turn(source, min(left, _TICK))
            self._listener.drop_slow()
            if self._refused is not None and self._code is None:
                self._tell(source, self._refused)
                self._refused = None
        return self._code

    def _turn(self, source: terminal.Input | None, seconds: float) -> None:
        """Wait that long for something to read, and read it."""
        if self._selector.get_map():
            for key, _ in self._selector.select(seconds):
                key.data()
        else:
            time.sleep(seconds)  # Windows, without a listener
        if source is not None and source.fd is None:
            self._hear(source)

    def _hear(self, source: terminal.Input) -> None:
        """Take what the person pasted."""
        for text in source.poll():
            if self._code is None:
                try:
                    self._code = self._read(text)
                except PasteError as error:
                    self._tell(source, error)
        if source.ended and self._code is None:
            if source.again or not self._place.sockets:
                raise SignInError("no answer was given", "run the same command again")
            if source.fd is not None:
                self._selector.unregister(source.fd)

    def _judge(self, query: str) -> Page | None:
        """Take what arrived at the listener; without the right state it is nobody's answer."""
        try:
            code = self._read(f"?{query}")
        except AnswerRefused as error:
            if not error.state_checked:
                return None
            self._refused = error
            return Page("Not signed in", f"{error.message}. You can close this page.")
        except PasteError:
            return None
        if not code.state_checked:
            return None
        self._code = code
        return Page("Signed in", "You can close this page and go back to the terminal.")

    def _read(self, text: str) -> Code:
        """Read an answer; a server's no in the words of ``explain``."""
        try:
            return read_answer(text, state=self._state, redirect_uri=self._place.redirect_uri)
        except AnswerRefused as error:
            if self._explain is None:
                raise
            message = self._explain(error.refused).message
            raise AnswerRefused(error.refused, state_checked=error.state_checked, message=message) from None

    def _tell(self, source: terminal.Input | None, error: PasteError) -> None:
        """Say what was wrong and wait on, if a person is there for another try."""
        if source is None or not source.again:
            raise error
        self._say(error.message)
        self._say(error.hint or "")
        source.prompt()
