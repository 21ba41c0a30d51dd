"""The pasted answer, from a terminal or a pipe, right or wrong."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from git_credential_azdo.errors import AzdoError, SignInError
from git_credential_azdo.signin.redirect import PasteError
from git_credential_azdo.signin.terminal import Pipe
from tests.support.signing_in import Person, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_credential_azdo.signin.terminal import Terminal


@pytest.fixture
def pipe() -> Iterator[tuple[Callable[[bytes], None], Pipe]]:
    """Give what fills and closes standard input, and the program's end of it."""
    reading, writing = os.pipe()
    open_ends = [writing]

    def fill(data: bytes) -> None:
        os.write(open_ends[0], data)
        os.close(open_ends.pop())

    yield fill, Pipe(reading)
    for each in open_ends:
        os.close(each)
    os.close(reading)


@pytest.mark.parametrize("opened", [True, False])
def test_the_pasted_address_is_the_answer(terminal: tuple[int, Terminal], opened: bool) -> None:  # noqa: FBT001 - a table
    """The browser may be on another machine, and may have been opened by hand."""
    master, source = terminal
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if "login.example" in text:
            asked = parse_qs(urlsplit(text.rsplit(maxsplit=1)[-1]).query)
            os.write(master, f"{asked['redirect_uri'][0]}?code=k&state={asked['state'][0]}\r".encode())

    person = Person()
    got = sign_in(person, source, say=say, open_browser=person.open if opened else None)

    assert (got.code, got.state_checked) == ("k", True)
    assert ("your browser should show it in a moment" in said) is opened
    assert "cannot be reached" in said[-4]
    assert got.verifier not in "".join(said)


def test_each_wrong_paste_is_reported_and_may_be_tried_again(terminal: tuple[int, Terminal]) -> None:
    """The wait goes on until the right one comes; a bare code is taken as unchecked."""
    master, source = terminal
    typed = b"\r\x16\rhttp://localhost/?code=k&state=old\r?error=access_denied\r bare-code \r"
    person = Person(lambda _: os.write(master, typed))

    got = sign_in(person, source)

    assert (got.code, got.state_checked) == ("bare-code", False)
    assert person.said[-8::2] == [
        "nothing was pasted",
        "the pasted text contains a stray Ctrl-V (\\x16): this console did not paste, it typed the key",
        "that is the response to another sign-in attempt",
        "the sign-in failed: access_denied",
    ]


def test_a_refusal_that_arrives_is_worded_and_may_be_tried_again(terminal: tuple[int, Terminal]) -> None:
    """The browser and the terminal both say so; the same link can be opened again."""

    def act(me: Person) -> None:
        me.visit(f"error=server_error&error_description=AADSTS90033%3A+x&state={me.asked['state']}")
        me.visit(f"code=k&state={me.asked['state']}")

    person = Person(act)

    got = sign_in(person, terminal[1], explain=lambda refused: AzdoError(f"worded {refused.codes} <b>"))

    assert got.code == "k"
    assert person.said[-2:] == ["worded (90033,) <b>", "open the link again, or press Ctrl-C to stop"]
    assert [page.status_code for page in person.pages] == [200, 200]
    assert "<p>Worded (90033,) &lt;b&gt;.</p><p>What to do: open the link again" in person.pages[0].text


def test_a_refusal_of_the_request_itself_ends_the_wait(terminal: tuple[int, Terminal]) -> None:
    """The same link would be refused again and again; the terminal says what to change."""
    person = Person(lambda me: me.visit(f"error=invalid_scope&state={me.asked['state']}"))
    worded = SignInError("the scope is wrong", "check --scope")

    with pytest.raises(SignInError, match="the scope is wrong") as caught:
        sign_in(person, terminal[1], explain=lambda _: worded)

    assert caught.value.hint == "check --scope"
    assert "<p>The scope is wrong.</p><p>What to do: check --scope.</p>" in person.pages[0].text


def test_standard_input_may_be_a_pipe_with_the_answer(pipe: tuple[Callable[[bytes], None], Pipe]) -> None:
    """For scripts that carry the address from somewhere else."""
    person = Person(
        lambda me: pipe[0](f"{me.asked['redirect_uri']}?code=k&state={me.asked['state']}\n".encode())
    )

    assert sign_in(person, pipe[1]).state_checked
    assert person.said[-1] == "waiting for the sign-in, at most 15 minutes; Ctrl-C stops"


def test_a_wrong_answer_from_a_pipe_is_final(pipe: tuple[Callable[[bytes], None], Pipe]) -> None:
    """Nobody is there for another try."""
    pipe[0](b"code=k&state=old\n")

    with pytest.raises(PasteError, match="another sign-in attempt"):
        sign_in(Person(), pipe[1])


def test_an_empty_standard_input_leaves_the_listener(pipe: tuple[Callable[[bytes], None], Pipe]) -> None:
    """Started from a desktop, or with /dev/null."""
    pipe[0](b"")
    person = Person(lambda me: me.visit(f"code=k&state={me.asked['state']}"))

    assert sign_in(person, pipe[1]).code == "k"


def test_when_no_answer_can_come_the_wait_ends(
    pipe: tuple[Callable[[bytes], None], Pipe], terminal: tuple[int, Terminal]
) -> None:
    """No input and no listener; or a person who closed the input."""
    page = "https://show.example/code"
    pipe[0](b"")

    with pytest.raises(SignInError, match="no way to receive the sign-in response"):
        sign_in(Person(), None, redirect_uri=page)
    with pytest.raises(SignInError, match="no input was given"):
        sign_in(Person(), pipe[1], redirect_uri=page)
    with pytest.raises(SignInError, match="no input was given"):
        sign_in(Person(lambda _: os.write(terminal[0], b"\x04")), terminal[1])


def test_a_page_that_shows_the_code_asks_for_what_it_shows(terminal: tuple[int, Terminal]) -> None:
    """An own registration's page; nothing listens, and the person pastes the bare code."""
    person = Person(lambda _: os.write(terminal[0], b"k-e-y-12\r"))

    got = sign_in(person, terminal[1], redirect_uri="https://show.example/code")

    assert (got.code, got.redirect_uri) == ("k-e-y-12", "https://show.example/code")
    assert "what the last page shows" in person.said[-3]
