"""interactive.py and listener.py: the link, the browser's redirect and the pasted answer, first one wins."""

from __future__ import annotations

import os
import re
import threading
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.errors import SignInError
from git_credential_azdo.signin import listener, oauth
from git_credential_azdo.signin.terminal import Input
from tests.support.signing_in import Person, sign_in

if TYPE_CHECKING:
    from git_credential_azdo.signin.interactive import Authorization
    from git_credential_azdo.signin.terminal import Terminal


def test_the_browsers_redirect_is_the_answer() -> None:
    """What comes back redeems the code: verifier, nonce and redirect are those of the link."""
    person = Person(lambda me: me.visit(f"code=k&state={me.asked['state']}&session_state=1"))

    got = sign_in(person, None, login_hint="me@example.com")

    assert (got.code, got.state_checked) == ("k", True)
    assert got.redirect_uri == person.asked["redirect_uri"]
    assert oauth.challenge(got.verifier) == person.asked["code_challenge"]
    assert re.fullmatch(r"[\w.~-]{43,128}", got.verifier, re.ASCII)
    assert got.nonce == person.asked["nonce"]
    assert person.asked["login_hint"] == "me@example.com"
    assert person.pages[0].status_code == 200
    assert "Signed in" in person.pages[0].text
    assert repr(got) == f"Authorization(state_checked=True, redirect_uri='{got.redirect_uri}')"


def test_wrong_requests_at_the_listener_do_not_end_the_wait() -> None:
    """Another attempt's answer, one without a state, no answer at all: 404, and on."""

    def act(me: Person) -> None:
        for query in ("code=evil&state=other", "code=evil", "error=access_denied", "x=y"):
            me.visit(query)
        me.visit(f"code=k&state={me.asked['state']}")

    person = Person(act)

    assert sign_in(person, None).code == "k"
    assert [page.status_code for page in person.pages] == [404, 404, 404, 404, 200]


def test_a_refusal_ends_the_wait_when_no_user_can_try_again() -> None:
    """Without a terminal the link is dead, and neither the error nor the page says to open it again."""
    person = Person(lambda me: me.visit(f"error=access_denied&state={me.asked['state']}"))

    with pytest.raises(SignInError, match="the sign-in failed: access_denied") as caught:
        sign_in(person, None)
    assert caught.value.hint == "run the same command again"
    assert "<p>What to do: run the same command again.</p>" in person.pages[0].text


def test_the_wait_is_bounded(terminal: tuple[int, Terminal]) -> None:
    """A closed tab must not leave the program waiting for days."""
    with pytest.raises(SignInError, match="timed out waiting for the sign-in"):
        sign_in(Person(), terminal[1], wait_seconds=0.05)


class Polled(Input):
    """A source that gives answers of its own, as a Windows console."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    def poll(self, _seconds: float) -> list[str]:
        """Give the next answers; end with the last one."""
        self.ended = len(self.answers) < 2
        return self.answers.pop(0) if self.answers else []


@pytest.mark.parametrize("redirect_uri", ["http://localhost", "https://show.example/code"])
def test_a_source_is_looked_at_now_and_then(redirect_uri: str) -> None:
    """With a listener beside it or without."""
    source = Polled([], ["bare-code", "too-late"])
    assert sign_in(Person(), source, redirect_uri=redirect_uri).code == "bare-code"


def test_the_end_of_a_source_leaves_the_listener() -> None:
    """An empty standard input on Windows."""
    source = Polled([])

    def act(me: Person) -> None:
        me.visit("x=y")
        me.visit(f"code=k&state={me.asked['state']}")

    person = Person(act)

    assert sign_in(person, source).code == "k"


def test_the_browser_waits_until_the_code_was_exchanged() -> None:
    """A page that says "signed in" is true; others are answered meanwhile."""
    running, go_on = threading.Event(), threading.Event()
    early: list[int] = []

    def run(found: Authorization) -> str:
        running.set()
        go_on.wait(90)
        return f"as {found.code}"

    def act(me: Person) -> None:
        query = f"code=k&state={me.asked['state']}"
        first = threading.Thread(target=me.visit, args=(query,))
        first.start()
        running.wait(90)
        early.append(len(me.pages))
        me.visit("code=k&state=other")
        go_on.set()
        first.join()

    person = Person(act)
    sign_in(person, None, run)

    assert early == [0]
    assert [page.status_code for page in person.pages] == [404, 200]
    assert "as k" in person.pages[1].text


def test_a_failed_exchange_is_what_the_browser_shows() -> None:
    """In the words of the terminal, with the next step."""

    def run(_: Authorization) -> str:
        raise SignInError("the rules of <contoso> block you", "ask")

    person = Person(lambda me: me.visit(f"code=k&state={me.asked['state']}"))
    with pytest.raises(SignInError, match="block you"):
        sign_in(person, None, run)

    assert "<h1>Not signed in</h1>" in person.pages[0].text
    assert "<p>The rules of &lt;contoso&gt; block you.</p><p>What to do: ask.</p>" in person.pages[0].text


def test_ctrl_c_is_heard_while_the_code_is_exchanged(terminal: tuple[int, Terminal]) -> None:
    """The terminal makes no signal of it then."""
    go_on = threading.Event()

    def run(_: Authorization) -> str:
        os.write(terminal[0], b"\x03")
        go_on.wait(90)
        return ""

    person = Person(lambda _: os.write(terminal[0], b"bare-code\r"))
    with pytest.raises(KeyboardInterrupt):
        sign_in(person, terminal[1], run)
    go_on.set()


# --- whose answer it is


def test_an_answer_of_another_user_of_the_machine_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The link stands in the browser's arguments: the state is no secret on a shared machine."""
    trusted = [False, False, True]
    monkeypatch.setattr(listener, "is_own_user", lambda _client: trusted.pop(0))

    def act(me: Person) -> None:
        me.visit(f"code=evil&state={me.asked['state']}")
        me.visit(f"error=access_denied&state={me.asked['state']}")
        me.visit(f"code=k&state={me.asked['state']}")

    person = Person(act)
    assert sign_in(person, None).code == "k"

    assert [page.status_code for page in person.pages] == [403, 403, 200]
    assert person.said.count("ignored a response from another user of this machine") == 1
