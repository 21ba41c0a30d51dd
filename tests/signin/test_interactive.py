"""interactive.py and listener.py: the link, the browser's redirect and the pasted answer, first one wins."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import selectors
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from git_credential_azdo.errors import AzdoError, SignInError
from git_credential_azdo.signin import interactive, listener, oauth, peer
from git_credential_azdo.signin.endpoints import Endpoint, Endpoints
from git_credential_azdo.signin.interactive import Authorization, Exchange
from git_credential_azdo.signin.listener import PENDING, Listener, Page, Redirect, listen, respond, response
from git_credential_azdo.signin.pipe import Pipe
from git_credential_azdo.signin.redirect import PasteError
from git_credential_azdo.signin.terminal import Terminal
from tests.support.marks import posix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_credential_azdo.signin.terminal import Input

pytestmark = posix

ISSUER = "https://login.example"
ENDPOINTS = Endpoints(
    Endpoint(f"{ISSUER}/authorize", ISSUER), Endpoint(f"{ISSUER}/token", ISSUER), None, ISSUER
)
HAS_IPV6 = listener._exists("::1", socket.AF_INET6)
REQUEST = b"GET /?code=c&state=s HTTP/1.1\r\nHost: localhost\r\n\r\n"


def judge(query: str, _client: socket.socket | None = None) -> Page | None:
    """Take only this test's answer."""
    return Page("Done <b>", "it & is done") if query == "code=c&state=s" else None


# --- the listener's answers


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (REQUEST, b"200 OK"),
        (b"GET /?code=c&state=other HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"GET / HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"GET /favicon.ico HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"GET /x?code=c&state=s HTTP/1.1\r\n\r\n", b"404 Not Found"),
        (b"POST /?code=c&state=s HTTP/1.1\r\n\r\n", b"405 Method Not Allowed"),
        (b"GET /?code=c&state=s\r\n\r\n", b"400 Bad Request"),
        (b"\x16\x03\x01\r\n\r\n", b"400 Bad Request"),
        (b"\r\n\r\n", b"400 Bad Request"),
    ],
)
def test_only_the_right_get_at_the_right_path_is_the_answer(head: bytes, status: bytes) -> None:
    """Everything else is told so, and the wait goes on."""
    assert response(respond(head, "/", judge)).startswith(b"HTTP/1.1 " + status + b"\r\n")


def test_the_page_shows_no_code_loads_nothing_and_escapes_its_words() -> None:
    """Its policy forbids scripts, requests and frames; its own style is allowed by hash."""
    head, _, body = response(respond(REQUEST, "/", judge)).partition(b"\r\n\r\n")

    assert b"<h1>Done &lt;b&gt;</h1><p>it &amp; is done</p>" in body
    assert b"Content-Length: %d" % len(body) in head
    assert b"default-src 'none'; style-src 'sha256-" in head
    assert b"Cache-Control: no-store" in head
    assert b"Referrer-Policy: no-referrer" in head
    assert b"code=c" not in head + body
    assert not re.search(rb"(?:src|href)=\"(?!data:,)", body)


# --- the listener's sockets


@pytest.fixture
def selector() -> Iterator[selectors.SelectSelector]:
    """Give a selector and close it."""
    with selectors.SelectSelector() as one:
        yield one


def turn(selector: selectors.BaseSelector, client: socket.socket) -> bytes:
    """Let the listener work until it has answered and closed this client."""
    client.settimeout(0)
    answer = b""
    for _ in range(200):
        for key, _mask in selector.select(0.05):
            key.data()
        with contextlib.suppress(BlockingIOError):
            data = client.recv(65536)
            answer += data
            if not data:
                return answer
    pytest.fail("the listener left the client waiting")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", pytest.param("::1", marks=pytest.mark.skipif(not HAS_IPV6, reason="no ::1"))]
)
def test_both_families_of_localhost_are_heard_on_one_port(
    selector: selectors.SelectSelector, address: str
) -> None:
    """Browsers differ in which one they take for ``localhost``."""
    place = listen("http://localhost")
    port = place.sockets[0].getsockname()[1]
    with (
        contextlib.closing(Listener(place, judge, selector)),
        socket.create_connection((address, port)) as client,
    ):
        client.sendall(REQUEST)

        assert turn(selector, client).startswith(b"HTTP/1.1 200 OK")
    assert {each.fileno() for each in place.sockets} == {-1}
    assert place.uri == f"http://localhost:{port}/"


def test_a_bad_client_does_not_block_the_good_one(selector: selectors.SelectSelector) -> None:
    """One that says nothing, one that says half, one that hangs up, one that never ends, and many more."""
    place = listen("http://127.0.0.1")
    address = place.sockets[0].getsockname()
    now = [0.0]
    one = Listener(place, judge, selector, clock=lambda: now[0])
    with contextlib.ExitStack() as stack:
        stack.callback(one.close)

        def connect() -> socket.socket:
            return stack.enter_context(socket.create_connection(address))

        silent = connect()
        connect().sendall(b"GET /?code=c")
        connect().close()
        rude = connect()
        rude.sendall(b"GET")
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        rude.close()
        endless = connect()
        endless.sendall(b"x" * 65_537)
        good = connect()
        good.sendall(REQUEST)
        assert turn(selector, good).startswith(b"HTTP/1.1 200 OK")
        with contextlib.suppress(ConnectionResetError):
            assert turn(selector, endless) == b""

        now[0] += 11
        one.drop_slow()
        assert turn(selector, silent) == b""

        first, *_others = [connect() for _ in range(20)]
        assert turn(selector, first) == b""
        late = connect()
        late.sendall(REQUEST)
        assert turn(selector, late).startswith(b"HTTP/1.1 200 OK")


def test_a_client_that_is_gone_already_costs_nothing(selector: selectors.SelectSelector) -> None:
    """The selector's word may be old when it is read."""
    place = listen("http://127.0.0.1")
    one = Listener(place, judge, selector)
    with contextlib.closing(one):
        one._accept(place.sockets[0])
        with socket.create_connection(place.sockets[0].getsockname()):
            selector.select(5)
            one._accept(place.sockets[0])
            (client,) = one._clients
            one._receive(client)
            assert list(one._clients) == [client]
            one._drop(client)
            one._receive(client)

    assert one._clients == {}


@pytest.mark.parametrize(
    ("redirect_uri", "expected", "path"),
    [
        ("http://localhost", r"http://localhost:\d+/", "/"),
        ("http://localhost/", r"http://localhost:\d+/", "/"),
        ("http://localhost/callback?x=y", r"http://localhost:\d+/callback\?x=y", "/callback"),
        ("http://127.0.0.1", r"http://127.0.0.1:\d+/", "/"),
        pytest.param(
            "http://[::1]/a",
            r"http://\[::1\]:\d+/a",
            "/a",
            marks=pytest.mark.skipif(not HAS_IPV6, reason="no ::1"),
        ),
    ],
)
def test_the_redirect_gets_the_port_that_listens(redirect_uri: str, expected: str, path: str) -> None:
    """Entra ignores the port of localhost, but neither host nor path."""
    place = listen(redirect_uri)
    with contextlib.ExitStack() as stack:
        for each in place.sockets:
            stack.callback(each.close)

        assert re.fullmatch(expected, place.uri)
        assert place.path == path
        assert {each.getsockname()[1] for each in place.sockets} == {urlsplit(place.uri).port}


@pytest.mark.parametrize(
    "redirect_uri", ["https://show.example/code", "https://localhost/", "http://h.example/"]
)
def test_a_redirect_to_elsewhere_is_left_as_it_is(redirect_uri: str) -> None:
    """A page that shows the code needs no listener."""
    assert listen(redirect_uri) == Redirect([], redirect_uri, urlsplit(redirect_uri).path)


def test_a_fixed_port_that_is_taken_is_not_replaced() -> None:
    """The registration names it; the answer can still be pasted."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}/"

        assert listen(uri) == Redirect([], uri, "/")


def test_a_port_that_is_taken_on_one_family_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has it there could receive the answer."""
    ports: list[int] = []
    real = listener._server

    def server(address: str, family: socket.AddressFamily, port: int) -> socket.socket:
        if family == socket.AF_INET6:
            ports.append(port)
            if len(ports) == 1:
                raise OSError(errno.EADDRINUSE, "taken")
            return real("127.0.0.1", socket.AF_INET, 0)
        return real(address, family, port)

    monkeypatch.setattr(listener, "_server", server)
    monkeypatch.setattr(listener, "_exists", lambda *_: True)
    place = listen("http://localhost")
    for each in place.sockets:
        each.close()

    assert len(ports) == 2
    assert place.uri == f"http://localhost:{ports[1]}/"


def test_one_family_is_enough_where_the_other_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers often have no ::1."""
    real = socket.create_server

    def without_ipv6(address: Any, *, family: socket.AddressFamily) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "no such address")
        return real(address, family=family)

    monkeypatch.setattr(socket, "create_server", without_ipv6)
    place = listen("http://localhost")
    for each in place.sockets:
        each.close()

    assert len(place.sockets) == 1


def test_without_any_port_the_address_is_still_good_to_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser then shows a page that cannot be reached, as it does on another machine."""

    def refuse(*_: object) -> socket.socket:
        raise OSError(errno.EACCES, "no")

    monkeypatch.setattr(listener, "_server", refuse)
    place = listen("http://localhost")

    assert place.sockets == []
    assert 49152 <= int(urlsplit(place.uri).port or 0) < 65536


# --- the wait


class Person:
    """A person in front of the program: sees what is said, and acts on the link."""

    def __init__(self, act: Callable[[Person], object] | None = None) -> None:
        self.said: list[str] = []
        self.pages: list[httpx.Response] = []
        self._act = act
        self._threads: list[threading.Thread] = []

    def open(self, link: str) -> bool:
        """Be the browser: act on the link while the program waits."""
        self.asked = {key: values[0] for key, values in parse_qs(urlsplit(link).query).items()}
        if self._act is not None:
            thread = threading.Thread(target=self._act, args=(self,))
            self._threads.append(thread)
            thread.start()
        return True

    def visit(self, query: str) -> None:
        """Let the browser follow the redirect."""
        with httpx.Client(trust_env=False) as client:
            self.pages.append(client.get(f"{self.asked['redirect_uri']}?{query}"))

    def leave(self) -> None:
        """Be done."""
        for thread in self._threads:
            thread.join()


def sign_in(person: Person, source: Input | None, **changes: Any) -> interactive.Authorization:
    """Let this person sign in."""
    arguments: dict[str, Any] = {
        "client_id": "c",
        "redirect_uri": "http://localhost",
        "scope": "s openid",
        "say": person.said.append,
        "open_browser": person.open,
        "open_input": lambda: source,
        "wait_seconds": 20,
    }
    exchange = changes.pop("exchange", None) or interactive.Exchange(
        lambda _: None, lambda _: Page("Signed in", "As you.")
    )
    try:
        return interactive.sign_in(ENDPOINTS, exchange, **{**arguments, **changes})[0]
    finally:
        person.leave()


@pytest.fixture
def terminal() -> Iterator[tuple[int, Terminal]]:
    """Give the person's end of a terminal, and the program's."""
    master, slave = os.openpty()
    yield master, Terminal(slave, lambda _: None)
    os.close(master)
    os.close(slave)


@pytest.fixture
def pipe() -> Iterator[tuple[Callable[[bytes], None], Pipe]]:
    """Give what fills and closes standard input, and the program's end of it."""
    reading, writing = os.pipe()
    open_ends = [writing]

    def fill(data: bytes) -> None:
        os.write(open_ends[0], data)
        os.close(open_ends.pop())

    yield fill, Pipe(reading)
    os.close(reading)
    for each in open_ends:
        os.close(each)


def test_the_browsers_redirect_is_the_answer() -> None:
    """What comes back redeems the code: verifier, nonce and redirect are those of the link."""
    person = Person(lambda me: me.visit(f"code=k&state={me.asked['state']}&session_state=1"))

    got = sign_in(person, None, login_hint="me@example.com")

    assert (got.code, got.state_checked) == ("k", True)
    assert got.redirect_uri == person.asked["redirect_uri"]
    assert oauth.challenge(got.verifier) == person.asked["code_challenge"]
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
    assert "cannot be reached" in said[-3]
    assert got.verifier not in "".join(said)


def test_each_wrong_paste_is_told_and_may_be_tried_again(terminal: tuple[int, Terminal]) -> None:
    """The wait goes on until the right one comes; a bare code is taken as unchecked."""
    master, source = terminal
    typed = b"\r\x16\rhttp://localhost/?code=k&state=old\r?error=access_denied\r bare-code \r"
    person = Person(lambda _: os.write(master, typed))

    got = sign_in(person, source)

    assert (got.code, got.state_checked) == ("bare-code", False)
    assert person.said[-8::2] == [
        "nothing was pasted",
        "the paste holds a stray Ctrl-V (\\x16): this console did not paste, it typed the key",
        "that is the answer to another attempt to sign in",
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
    assert "Worded (90033,) &lt;b&gt;. To try again, open the link" in person.pages[0].text


def test_a_refusal_of_the_request_itself_ends_the_wait(terminal: tuple[int, Terminal]) -> None:
    """The same link would be refused again and again; the terminal says what to change."""
    person = Person(lambda me: me.visit(f"error=invalid_scope&state={me.asked['state']}"))
    worded = SignInError("the scope is wrong", "check --scope")

    with pytest.raises(SignInError, match="the scope is wrong") as caught:
        sign_in(person, terminal[1], explain=lambda _: worded)

    assert caught.value.hint == "check --scope"
    assert "The scope is wrong. The terminal says what to do." in person.pages[0].text


def test_a_refusal_ends_the_wait_when_nobody_can_try_again() -> None:
    """Without a terminal there is no one to tell."""
    person = Person(lambda me: me.visit(f"error=access_denied&state={me.asked['state']}"))

    with pytest.raises(PasteError, match="the sign-in failed: access_denied"):
        sign_in(person, None)


def test_standard_input_may_be_a_pipe_with_the_answer(pipe: tuple[Callable[[bytes], None], Pipe]) -> None:
    """For scripts that carry the address from somewhere else."""
    person = Person(
        lambda me: pipe[0](f"{me.asked['redirect_uri']}?code=k&state={me.asked['state']}\n".encode())
    )

    assert sign_in(person, pipe[1]).state_checked
    assert person.said[-1] == "waiting for the answer; at most 15 minutes, Ctrl-C stops"


def test_a_wrong_answer_from_a_pipe_is_final(pipe: tuple[Callable[[bytes], None], Pipe]) -> None:
    """Nobody is there for another try."""
    pipe[0](b"code=k&state=old\n")

    with pytest.raises(PasteError, match="another attempt"):
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

    with pytest.raises(SignInError, match="no way to receive the answer"):
        sign_in(Person(), None, redirect_uri=page)
    with pytest.raises(SignInError, match="no answer was given"):
        sign_in(Person(), pipe[1], redirect_uri=page)
    with pytest.raises(SignInError, match="no answer was given"):
        sign_in(Person(lambda _: os.write(terminal[0], b"\x04")), terminal[1])


def test_a_page_that_shows_the_code_asks_for_what_it_shows(terminal: tuple[int, Terminal]) -> None:
    """An own registration's page; nothing listens, and the person pastes the bare code."""
    person = Person(lambda _: os.write(terminal[0], b"k-e-y-12\r"))

    got = sign_in(person, terminal[1], redirect_uri="https://show.example/code")

    assert (got.code, got.redirect_uri) == ("k-e-y-12", "https://show.example/code")
    assert "what the last page shows" in person.said[-2]


def test_the_wait_is_bounded(terminal: tuple[int, Terminal]) -> None:
    """A closed tab must not leave the program waiting for days."""
    with pytest.raises(SignInError, match="timed out waiting for the sign-in"):
        sign_in(Person(), terminal[1], wait_seconds=0.05)


class Polled:
    """A source that cannot be selected, as a Windows console."""

    fd: int | None = None
    again = False

    def __init__(self) -> None:
        self.answers: list[list[str]] = [[], ["bare-code", "too-late"]]

    @property
    def ended(self) -> bool:
        """End with the last answer."""
        return not self.answers

    def __enter__(self) -> Polled:  # noqa: PYI034 - nothing derives from it
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to set back."""

    def prompt(self) -> None:
        """Nothing to show."""

    def poll(self) -> list[str]:
        """Give the next answers."""
        return self.answers.pop(0) if self.answers else []


@pytest.mark.parametrize("redirect_uri", ["http://localhost", "https://show.example/code"])
def test_a_source_that_cannot_be_selected_is_looked_at_now_and_then(redirect_uri: str) -> None:
    """With a listener beside it or without."""
    assert sign_in(Person(), Polled(), redirect_uri=redirect_uri).code == "bare-code"


def test_the_end_of_a_source_that_cannot_be_selected_leaves_the_listener() -> None:
    """An empty standard input on Windows."""
    source = Polled()
    source.answers = [[]]

    def act(me: Person) -> None:
        me.visit("x=y")
        me.visit(f"code=k&state={me.asked['state']}")

    person = Person(act)

    assert sign_in(person, source).code == "k"


# --- what the browser is told


def exchange(run: Callable[[Authorization], str]) -> Exchange[str]:
    """Return what becomes of a code: its result is what the page says."""
    return Exchange(run, lambda result: Page("Signed in", result))


def test_the_browser_waits_until_the_code_was_exchanged() -> None:
    """A page that says "signed in" is true; others are answered meanwhile."""
    running, go_on = threading.Event(), threading.Event()
    early: list[int] = []

    def run(found: Authorization) -> str:
        running.set()
        go_on.wait(20)
        return f"as {found.code}"

    def act(me: Person) -> None:
        query = f"code=k&state={me.asked['state']}"
        first = threading.Thread(target=me.visit, args=(query,))
        first.start()
        running.wait(20)
        early.append(len(me.pages))
        me.visit("code=k&state=other")
        go_on.set()
        first.join()

    person = Person(act)
    sign_in(person, None, exchange=exchange(run))

    assert early == [0]
    assert [page.status_code for page in person.pages] == [404, 200]
    assert "as k" in person.pages[1].text


def test_a_failed_exchange_is_what_the_browser_shows() -> None:
    """In the words of the terminal, which has the next step."""

    def run(_: Authorization) -> str:
        raise SignInError("the rules of <contoso> block you", "ask")

    person = Person(lambda me: me.visit(f"code=k&state={me.asked['state']}"))
    with pytest.raises(SignInError, match="block you"):
        sign_in(person, None, exchange=exchange(run))

    assert "<h1>Not signed in</h1>" in person.pages[0].text
    assert "The rules of &lt;contoso&gt; block you. The terminal says what to do." in person.pages[0].text


def test_an_exchange_that_takes_long_leaves_the_result_to_the_terminal(
    selector: selectors.SelectSelector,
) -> None:
    """The browser waits some seconds, not a minute; nothing is claimed."""
    now = [0.0]
    redirect = listen("http://127.0.0.1")
    one = Listener(redirect, lambda *_: PENDING, selector, clock=lambda: now[0])
    with (
        contextlib.closing(one),
        socket.create_connection(redirect.sockets[0].getsockname()) as client,
    ):
        client.sendall(REQUEST)
        while not any(state.pending for state in one._clients.values()):
            for key, _mask in selector.select(5):
                key.data()
        now[0] = 7.9
        one.drop_slow()
        assert len(one._clients) == 1
        now[0] = 8.1
        one.drop_slow()
        shown = turn(selector, client)

    assert b"The terminal shows whether the sign-in worked" in shown
    assert b"Signed in" not in shown


def test_waiting_browsers_are_not_pushed_out_by_others(selector: selectors.SelectSelector) -> None:
    """A crowd of connections cannot take the outcome away from who brought the answer."""
    redirect = listen("http://127.0.0.1")
    one = Listener(redirect, lambda *_: PENDING, selector)
    address = redirect.sockets[0].getsockname()
    with contextlib.ExitStack() as stack:
        stack.callback(one.close)
        first = stack.enter_context(socket.create_connection(address))
        first.sendall(REQUEST)
        while not any(state.pending for state in one._clients.values()):
            for key, _mask in selector.select(5):
                key.data()
        for _ in range(20):
            stack.enter_context(socket.create_connection(address)).sendall(REQUEST)
        for _ in range(40):
            for key, _mask in selector.select(0.05):
                key.data()
        one.finish(Page("Signed in", ""))
        assert b"Signed in" in turn(selector, first)


def test_ctrl_c_is_heard_while_the_code_is_exchanged(terminal: tuple[int, Terminal]) -> None:
    """The terminal makes no signal of it then."""
    go_on = threading.Event()

    def run(_: Authorization) -> str:
        os.write(terminal[0], b"\x03")
        go_on.wait(20)
        return ""

    person = Person(lambda _: os.write(terminal[0], b"bare-code\r"))
    with pytest.raises(KeyboardInterrupt):
        sign_in(person, terminal[1], exchange=exchange(run))
    go_on.set()


# --- whose answer it is


def test_an_answer_of_another_user_of_the_machine_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The link stands in the browser's arguments: the state is no secret on a shared machine."""
    trusted = [False, False, True]
    monkeypatch.setattr(peer, "is_own_user", lambda _client: trusted.pop(0))

    def act(me: Person) -> None:
        me.visit(f"code=evil&state={me.asked['state']}")
        me.visit(f"error=access_denied&state={me.asked['state']}")
        me.visit(f"code=k&state={me.asked['state']}")

    person = Person(act)
    assert sign_in(person, None).code == "k"

    assert [page.status_code for page in person.pages] == [403, 403, 200]
    assert person.said.count("an answer that came from another user of this machine was not taken") == 1
