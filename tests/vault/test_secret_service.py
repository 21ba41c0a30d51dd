"""The direct reader of the Secret Service: what it says, and that it reads exactly what keyring reads.

First against a bus that is made up here (jeepney writes its messages), then over real sockets, then against
gnome-keyring and KeePassXC in a private session.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import secretstorage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jeepney import Endianness, Header, HeaderFields, Message, MessageType, Parser  # type: ignore[import-untyped]
from keyring.backends import SecretService

from git_credential_azdo.errors import VaultLocked
from git_credential_azdo.vault import dbus, secret_service
from git_credential_azdo.vault.secret_service import Unsupported, bus_addresses, lookup, read
from tests.support.keyrings import PrivateBus, PrivateKeePassXC, PrivateKeyring, missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

OK = b"OK 0123456789abcdef0123456789abcdef\r\n"
SESSION = "/org/freedesktop/secrets/session/s1"
LOGIN = "/org/freedesktop/secrets/collection/login"
READING = {"Hello", "ReadAlias", "Get", "SearchItems", "OpenSession", "GetSecret"}

Response = tuple[str, tuple[object, ...]] | str  # a signature and a body, or an error's name


def a_secret(value: bytes, session: str = SESSION, parameters: bytes = b"") -> Response:
    """Make the answer to GetSecret."""
    return "(oayays)", ((session, parameters, value, "text/plain"),)


GOOD: dict[str, Response] = {
    "Hello": ("s", (":1.7",)),
    "ReadAlias": ("o", (LOGIN,)),
    "Get": ("v", (("b", False),)),
    "SearchItems": ("ao", ([LOGIN + "/1", LOGIN + "/2"],)),
    "OpenSession": ("vo", (("s", ""), SESSION)),
    "GetSecret": a_secret(b"geheimes Wort"),
}


def keyring_backend() -> Any:
    """Make the backend that our reader stands in for (its methods have no types)."""
    make: Any = SecretService.Keyring
    return make()


class MadeUpBus:
    """The other end of a conversation: takes what our end sends, gives what a bus would send back.

    ``answers``: method name to answer, or to a list of answers for one call after the other. ``noise``: whether
    signals and replies to nobody come in between. ``backwards``: whether the last call is answered first.
    """

    def __init__(
        self,
        answers: dict[str, Any] | None = None,
        *,
        endianness: Endianness = Endianness.little,
        noise: bool = False,
        backwards: bool = False,
        line: bytes = OK,
    ) -> None:
        self.answers = {
            name: list(a) if isinstance(a, list) else [a] for name, a in (GOOD | (answers or {})).items()
        }
        self.endianness = endianness
        self.noise = noise
        self.backwards = backwards
        self.line = line
        self.calls: list[Message] = []
        self.received = b""
        self._parser: Parser | None = None

    def take(self, data: bytes) -> bytes:
        """Take what our end sent, give all that comes back."""
        self.received += data
        if self._parser is None:
            if not self.received.endswith(b"\r\n"):
                return b""
            self._parser = Parser()
            return self.line
        self._parser.add_data(data.removeprefix(b"BEGIN\r\n"))
        replies = []
        while (call := self._parser.get_next_message()) is not None:
            self.calls.append(call)
            replies.append(self._reply(call))
        return b"".join(reversed(replies) if self.backwards else replies)

    def _reply(self, call: Message) -> bytes:
        answers = self.answers[call.header.fields[HeaderFields.member]]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        fields: dict[HeaderFields, Any] = {HeaderFields.reply_serial: call.header.serial}
        if isinstance(answer, str):
            fields[HeaderFields.error_name] = answer
            kind, answer = MessageType.error, ("s", ("no",))
        else:
            kind = MessageType.method_return
        reply = self._message(kind, fields, *answer)
        return self._noise() + reply + self._noise() if self.noise else reply

    def _message(
        self, kind: MessageType, fields: dict[HeaderFields, Any], signature: str, body: Any
    ) -> bytes:
        fields = {**fields, HeaderFields.sender: ":1.5", HeaderFields.signature: signature}
        data: bytes = Message(Header(self.endianness, kind, 0, 1, 0, 1, fields), body).serialise(77)
        return data

    def _noise(self) -> bytes:
        names = {HeaderFields.path: "/", HeaderFields.interface: "a.b", HeaderFields.member: "Name"}
        return self._message(MessageType.signal, names, "a{sv}", ({"x": ("i", -1)},)) + self._message(
            MessageType.method_return, {HeaderFields.reply_serial: 999}, "b", (True,)
        )


def talk(bus: MadeUpBus, chunk: int = 65536, spoil: Any = None) -> str | None:
    """Let our end talk to the bus, ``chunk`` bytes of the answers at a time; give its result."""
    conversation = lookup("service", "username", 1000)
    outgoing = next(conversation)
    for _ in range(100_000):
        arrived = bus.take(outgoing)
        outgoing = b""
        if spoil is not None:
            arrived = spoil(arrived)
        if not arrived:
            raise Unsupported("nothing more comes")
        for start in range(0, len(arrived), chunk):
            try:
                outgoing += conversation.send(arrived[start : start + chunk])
            except StopIteration as over:
                result: str | None = over.value
                return result
    pytest.fail("the conversation does not end")


# The conversation


@pytest.mark.parametrize("endianness", Endianness)
@pytest.mark.parametrize("noise", [False, True], ids=["", "with noise"])
@pytest.mark.parametrize("backwards", [False, True], ids=["", "backwards"])
@pytest.mark.parametrize("chunk", [1, 7, 65536])
def test_the_secret_is_read(endianness: Endianness, chunk: int, *, noise: bool, backwards: bool) -> None:
    """Byte order, what else is on the bus, the order of replies and the cuts between reads do not matter."""
    bus = MadeUpBus(endianness=endianness, noise=noise, backwards=backwards)
    assert talk(bus, chunk) == "geheimes Wort"
    assert {call.header.fields[HeaderFields.member] for call in bus.calls} == READING


def test_the_search_is_keyrings_search() -> None:
    """The attributes are those keyring looks for, and the first item is taken, as keyring does."""
    bus = MadeUpBus()
    talk(bus)
    by_name = {call.header.fields[HeaderFields.member]: call for call in bus.calls}
    backend = keyring_backend()
    assert by_name["SearchItems"].body == (backend._query("service", "username"),)
    assert by_name["SearchItems"].header.fields[HeaderFields.path] == LOGIN
    assert by_name["GetSecret"].header.fields[HeaderFields.path] == LOGIN + "/1"
    assert by_name["GetSecret"].body == (SESSION,)


def test_nothing_is_asked_before_the_bus_has_agreed() -> None:
    """The attributes of a search are for a bus that let us in."""
    conversation = lookup("service", "username", 1000)
    assert next(conversation) == b"\0AUTH EXTERNAL 31303030\r\n"
    assert conversation.send(OK).startswith(b"BEGIN\r\nl\1")


def test_no_item_is_no_secret() -> None:
    """None tells that there is nothing, and no secret is asked for."""
    bus = MadeUpBus({"SearchItems": ("ao", ([],))})
    assert talk(bus) is None
    assert "GetSecret" not in {call.header.fields[HeaderFields.member] for call in bus.calls}


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({"Get": ("v", (("b", True),))}, id="the collection"),
        pytest.param(
            {"Get": ("v", (("b", True),)), "SearchItems": ("ao", ([],))}, id="the collection, no item"
        ),
        pytest.param({"ReadAlias": ("o", ("/",))}, id="no default collection"),
        pytest.param({"GetSecret": "org.freedesktop.Secret.Error.IsLocked"}, id="the item"),
    ],
)
def test_where_keyring_would_show_a_dialog_it_is_locked(answers: dict[str, Response]) -> None:
    """The error says what to run, and nothing was asked that could open a dialog."""
    bus = MadeUpBus(answers)
    with pytest.raises(VaultLocked) as locked:
        talk(bus)
    assert locked.value.hint == "git credential-azdo unlock"
    assert {call.header.fields[HeaderFields.member] for call in bus.calls} <= READING


def test_a_default_collection_that_is_not_seen_at_once_is_asked_for_again() -> None:
    """For gnome-keyring may overlook a new caller; only the second "/" counts."""
    bus = MadeUpBus({"ReadAlias": [("o", ("/",)), ("o", (LOGIN,))]})
    assert talk(bus) == "geheimes Wort"


@pytest.mark.parametrize(
    "answers",
    [
        *(
            pytest.param({name: "org.freedesktop.DBus.Error.ServiceUnknown"}, id=f"{name} fails")
            for name in GOOD
        ),
        *(pytest.param({name: ("u", (1,))}, id=f"{name} gives something else") for name in GOOD),
        pytest.param({"Get": ("v", (("s", "no"),))}, id="neither locked nor unlocked"),
        pytest.param({"OpenSession": "org.freedesktop.DBus.Error.NotSupported"}, id="no plain sessions"),
        pytest.param({"GetSecret": a_secret(b"x", session=SESSION + "2")}, id="another session's secret"),
        pytest.param({"GetSecret": a_secret(b"x", parameters=b"iv")}, id="an encrypted secret"),
        pytest.param({"GetSecret": a_secret(b"\xff")}, id="a secret that is not text"),
        pytest.param({"GetSecret": a_secret(b"x" * dbus.LONGEST_MESSAGE)}, id="a secret too long"),
    ],
)
def test_anything_unusual_is_for_keyring(answers: dict[str, Response]) -> None:
    """Then keyring reads it, or says in its own words why not."""
    with pytest.raises((Unsupported, dbus.BadMessageError)):
        talk(MadeUpBus(answers))


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"REJECTED EXTERNAL\r\n", id="rejected"),
        pytest.param(b"ERROR\r\n", id="error"),
        pytest.param(OK + b"l", id="a message before BEGIN"),
        pytest.param(b"OK " + b"0" * 5000, id="a line without end"),
    ],
)
def test_a_bus_that_does_not_let_us_in_is_for_keyring(line: bytes) -> None:
    """Nothing is said to it beyond who we are."""
    bus = MadeUpBus(line=line)
    with pytest.raises(Unsupported):
        talk(bus)
    assert bus.received == b"\0AUTH EXTERNAL 31303030\r\n"


@pytest.mark.parametrize("names", [("a\0b", "c"), ("a", "\udc80")], ids=["a zero byte", "a lone surrogate"])
def test_a_name_that_dbus_cannot_carry_is_for_keyring(names: tuple[str, str]) -> None:
    """The bus would hang up on it."""
    conversation = lookup(*names, 1000)
    next(conversation)
    with pytest.raises(ValueError):  # noqa: PT011 - any of them is Unsupported to read's caller
        talk_on(conversation, MadeUpBus())


def talk_on(conversation: Any, bus: MadeUpBus) -> None:
    """Go on after the first line, until the conversation ends."""
    outgoing = b"\0AUTH\r\n"
    while True:
        outgoing = conversation.send(bus.take(outgoing))


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """Make a function that damages what arrives, at one place of the conversation."""
    turn = draw(st.integers(0, 3))
    kind = draw(st.sampled_from(["change", "cut", "insert", "replace"]))
    place = draw(st.floats(0, 0.999))
    junk = draw(st.binary(min_size=1, max_size=40))
    turns = iter(range(1000))

    def spoil(data: bytes) -> bytes:
        if next(turns) != turn or not data:
            return data
        at = int(place * len(data))
        if kind == "change":
            return data[:at] + junk[:1] + data[at + 1 :]
        if kind == "cut":
            return data[:at]
        return junk if kind == "replace" else data[:at] + junk + data[at:]

    return spoil


@settings(max_examples=300)
@given(spoilt(), st.sampled_from(Endianness), st.booleans())
def test_damaged_answers_lead_to_an_answer_or_to_keyring(
    spoil: Any, endianness: Endianness, noise: Any
) -> None:
    """Nothing but these errors comes out, and the conversation always ends."""
    outcome: object
    try:
        outcome = talk(MadeUpBus(endianness=endianness, noise=noise), spoil=spoil)
    except (Unsupported, VaultLocked, dbus.BadMessageError) as refused:
        outcome = refused
        assert "geheim" not in repr(outcome)
    assert outcome is None or isinstance(outcome, (str, Exception))


# Where the bus is


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1000/bus"}, [b"/run/user/1000/bus"]),
        ({"DBUS_SESSION_BUS_ADDRESS": "unix:abstract=/tmp/dbus-x,guid=12ab"}, [b"\0/tmp/dbus-x"]),
        ({"DBUS_SESSION_BUS_ADDRESS": "unix:guid=1,path=/a;unix:abstract=b"}, [b"/a", b"\0b"]),
        ({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/a%20b%c3%a4%2cc"}, ["/a bä,c".encode()]),
        ({"DBUS_SESSION_BUS_ADDRESS": "tcp:host=a,port=1;autolaunch:;unixexec:path=x;unix:path=/a"}, [b"/a"]),
        ({"DBUS_SESSION_BUS_ADDRESS": "unix:path=relative;unix:tmpdir=/tmp"}, []),
        ({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/a", "XDG_RUNTIME_DIR": "/run"}, [b"/a"]),
        ({"DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": "/run/user/1"}, [b"/run/user/1/bus"]),
        ({"XDG_RUNTIME_DIR": "relative"}, []),
        ({}, []),
    ],
)
def test_the_bus_is_where_libdbus_finds_it(environment: dict[str, str], expected: list[bytes]) -> None:
    """The variable first, then the runtime folder; only Unix sockets with a fixed place."""
    assert list(bus_addresses(environment)) == expected


@pytest.mark.parametrize(
    "address", ["unix:", "unix:path", "unix:path=/a%", "unix:path=/a%zz", "unix:path=/a;unix:,"]
)
def test_an_address_that_is_none_is_for_keyring(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not guessed at."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    with pytest.raises(Unsupported):
        read("service", "username", 5)


# The socket


@contextmanager
def serving(address: str | bytes, answer: Any) -> Iterator[list[bytes]]:
    """Listen at a Unix socket; ``answer`` is called with each connection. Gives what each connection sent."""
    sent: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    sent.append(answer(connection))

        server = threading.Thread(target=serve)
        server.start()
        try:
            yield sent
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            server.join(10)
            assert not server.is_alive()


def as_a_bus(connection: socket.socket) -> bytes:
    """Answer as a bus with a Secret Service does; give what was sent."""
    bus = MadeUpBus()
    while data := connection.recv(65536):
        connection.sendall(bus.take(data))
    return bus.received


@pytest.fixture(name="bus_path")
def _bus_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = str(tmp_path / "bus")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={path}")
    return path


def open_files() -> int:
    """Count this process's file descriptors."""
    return len(os.listdir("/proc/self/fd"))


def test_a_secret_comes_over_a_socket(bus_path: str) -> None:
    """The whole read, and no file descriptor stays open."""
    with serving(bus_path, as_a_bus):
        before = open_files()
        assert read("service", "username", 5) == "geheimes Wort"
        assert open_files() <= before + 1  # the server may still hold its end


def test_an_address_where_nobody_listens_is_passed_over(
    bus_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead bus in the list does no harm."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={bus_path}.gone;unix:path={bus_path}")
    with serving(bus_path, as_a_bus):
        assert read("service", "username", 5) == "geheimes Wort"


def test_without_a_bus_it_is_for_keyring(bus_path: str) -> None:
    """Nobody listens: keyring says what that means."""
    assert not os.path.exists(bus_path)
    with pytest.raises(Unsupported):
        read("service", "username", 5)


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_a_bus_of_another_user_is_told_nothing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its socket may be connected to, but not a byte is sent."""
    name = str(tmp_path / "bus")
    us = os.geteuid()
    with serving(name if kind == "path" else b"\0" + name.encode(), lambda c: c.recv(100)) as sent:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:{kind}={name}")
        monkeypatch.setattr(os, "geteuid", lambda: us + 1)
        with pytest.raises(Unsupported):
            read("service", "username", 5)
    assert b"".join(sent) == b""


def silent(connection: socket.socket) -> bytes:
    """Answer nothing, until the other end hangs up."""
    sent = b""
    while data := connection.recv(65536):
        sent += data
    return sent


def chattering(connection: socket.socket) -> bytes:
    """Send signals without end, and never a reply."""
    connection.recv(100)
    connection.sendall(OK)
    noise = MadeUpBus()._noise() * 100
    try:
        while True:
            connection.sendall(noise)
    except OSError:
        return b""


def stuck(connection: socket.socket) -> bytes:
    """Begin a message, and never end it."""
    connection.recv(100)
    connection.sendall(OK)
    connection.recv(65536)
    connection.sendall(b"l\2\0\1")
    return silent(connection)


@pytest.mark.parametrize("server", [silent, chattering, stuck])
def test_the_deadline_holds_whatever_the_bus_does(server: Any, bus_path: str) -> None:
    """A read that takes too long is for keyring, and the whole of it is bounded, not each step."""
    with serving(bus_path, server):
        begin = time.monotonic()
        with pytest.raises(Unsupported):
            read("service", "username", 0.1)
        assert time.monotonic() - begin < 2


def test_a_bus_that_hangs_up_is_for_keyring(bus_path: str) -> None:
    """No error of the socket comes through."""
    with serving(bus_path, lambda connection: connection.recv(100)), pytest.raises(Unsupported):
        read("service", "username", 5)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=100))
def test_any_answer_over_a_socket_is_survived(bus_path: str, junk: bytes) -> None:
    """Only ``Unsupported`` comes out of ``read`` when the bus talks rubbish."""

    def rubbish(connection: socket.socket) -> bytes:
        connection.recv(100)
        connection.sendall(OK)
        connection.recv(65536)
        connection.sendall(junk)
        return b""

    if os.path.exists(bus_path):
        os.unlink(bus_path)
    with serving(bus_path, rubbish), pytest.raises(Unsupported):
        read("service", "username", 5)


def test_a_full_queue_is_waited_for(bus_path: str) -> None:
    """When many helpers start at once the bus is slow to accept; that is no error."""
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(bus_path)
        listener.listen(0)
        first.connect(bus_path)
        with pytest.raises(Unsupported, match="time is up"):
            read("service", "username", 0.05)


@pytest.mark.parametrize("name", ["KEYRING_PROPERTY_SCHEME", "KEYRING_PROPERTY_PREFERRED_COLLECTION"])
def test_an_environment_that_changes_keyring_is_for_keyring(
    name: str, bus_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For keyring would look elsewhere, or for other attributes."""
    monkeypatch.setenv(name, "KeePassXC")
    with serving(bus_path, as_a_bus) as sent, pytest.raises(Unsupported):
        read("service", "username", 5)
    assert not sent


def test_nothing_else_is_loaded() -> None:
    """Every module costs each ``get`` of each git command."""
    program = (
        "import sys; before = set(sys.modules); import git_credential_azdo.vault.secret_service;"
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    ).stdout
    ours = {f"git_credential_azdo{name}" for name in ("", ".errors", ".vault", ".vault.dbus")}
    assert set(loaded.split()) <= ours | {"git_credential_azdo.vault.secret_service", "__future__", "_socket"}


# gnome-keyring

needs_gnome_keyring = pytest.mark.skipif(bool(missing()), reason=f"needs Debian's {missing()}")


@pytest.fixture(name="vault", scope="module")
def _vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateKeyring]:
    with PrivateKeyring(tmp_path_factory.mktemp("keyring")) as vault:
        trap_dialogs(vault)
        yield vault


def trap_dialogs(bus: PrivateBus) -> None:
    """Let the programs that show gnome-keyring's dialogs leave a file instead, and show nothing."""
    for name in ("org.gnome.keyring.SystemPrompter", "org.gnome.keyring.PrivatePrompter"):
        leave_a_file = f'/bin/sh -c "touch {bus.directory}/dialog; exit 1"'
        (bus.services / f"{name}.service").write_text(f"[D-BUS Service]\nName={name}\nExec={leave_a_file}\n")


@pytest.fixture(name="backend")
def _backend(vault: PrivateKeyring, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give keyring's backend, on the private bus."""
    for name, value in vault.environment.items():
        monkeypatch.setenv(name, value)
    return keyring_backend()


@needs_gnome_keyring
@pytest.mark.parametrize(
    "secret",
    ["plain", "", "ä ß 🔑 \u202e", "line\nline\r\n\ttab", "kind=pat\npassword=x" + "y" * 8192, " "],
    ids=["plain", "empty", "unicode", "lines", "8 KB", "space"],
)
def test_what_keyring_wrote_is_read_as_keyring_reads_it(backend: Any, secret: str) -> None:
    """Byte for byte."""
    backend.set_password("git-credential-azdo", "a/refresh", secret)
    assert (
        read("git-credential-azdo", "a/refresh", 5)
        == secret
        == backend.get_password("git-credential-azdo", "a/refresh")
    )


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30)


@needs_gnome_keyring
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES, NAMES)
def test_any_names_find_what_keyring_finds(backend: Any, service: str, username: str) -> None:
    """Whatever the names are, the two agree."""
    assert read(service, username, 5) == backend.get_password(service, username)
    backend.set_password(service, username, "x")
    assert read(service, username, 5) == backend.get_password(service, username) == "x"


@needs_gnome_keyring
def test_what_keyring_does_not_find_is_none(backend: Any) -> None:
    """Another user, another service, or deleted."""
    backend.set_password("service", "one", "x")
    backend.set_password("service", "gone", "x")
    backend.delete_password("service", "gone")
    for names in (("service", "two"), ("another", "one"), ("service", "gone"), ("service", "ONE")):
        assert read(*names, 5) is None
        assert backend.get_password(*names) is None


@needs_gnome_keyring
def test_of_several_items_it_takes_the_one_keyring_takes(backend: Any) -> None:
    """Other programs may keep items with these attributes and more."""
    with secretstorage.dbus_init() as connection:
        collection = secretstorage.get_default_collection(connection)
        for number in range(5):
            attributes = {"service": "several", "username": "u", "number": str(number)}
            collection.create_item(f"item {number}", attributes, f"secret {number}".encode())
        identical = {"service": "several", "username": "u"}
        for number in range(5, 8):
            collection.create_item(f"item {number}", identical, f"secret {number}".encode(), replace=False)
        assert len(list(collection.search_items(identical))) == 8
    assert read("several", "u", 5) == backend.get_password("several", "u")


@needs_gnome_keyring
@pytest.mark.skipif(bool(missing("secret-tool")), reason=f"needs Debian's {missing('secret-tool')}")
def test_what_secret_tool_wrote_is_read_as_keyring_reads_it(backend: Any) -> None:
    """Its library adds an attribute, xdg:schema; neither of the two readers asks for it."""
    command = ["secret-tool", "store", "--label=x", "service", "tool", "username", "u"]
    subprocess.run(command, input="by libsecret", text=True, check=True)
    assert read("tool", "u", 5) == backend.get_password("tool", "u") == "by libsecret"


@needs_gnome_keyring
def test_only_the_default_collection_counts(vault: PrivateKeyring, backend: Any) -> None:
    """What lies in another collection is found once that one is the default, by both."""
    other = vault.create_collection("Other")
    backend.set_password("service", "u", "in login")
    with secretstorage.dbus_init() as connection:
        attributes = {"service": "service", "username": "elsewhere"}
        secretstorage.Collection(connection, other).create_item("x", attributes, b"in other")
    assert read("service", "elsewhere", 5) is None
    assert backend.get_password("service", "elsewhere") is None
    vault.set_alias("default", other)
    try:
        assert read("service", "elsewhere", 5) == backend.get_password("service", "elsewhere") == "in other"
        assert read("service", "u", 5) is None
        assert backend.get_password("service", "u") is None
    finally:
        vault.set_alias("default", PrivateKeyring.LOGIN)


@needs_gnome_keyring
def test_a_locked_collection_stays_locked_without_a_dialog(vault: PrivateKeyring, backend: Any) -> None:
    """Where keyring shows a dialog the reader says locked, and leaves it at that."""
    dialog = vault.directory / "dialog"
    backend.set_password("service", "kept", "x")
    vault.lock()
    try:
        for username in ("kept", "never kept"):
            with pytest.raises(VaultLocked):
                read("service", username, 5)
        with secretstorage.dbus_init() as connection:
            assert secretstorage.Collection(connection, PrivateKeyring.LOGIN).is_locked()
        assert not dialog.exists()
        # The trap works. In a child, because keyring leaves its socket open when it fails.
        ask = "from keyring.backends.SecretService import Keyring; Keyring().get_password('service', 'never kept')"
        failed = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False)
        assert "KeyringLocked" in failed.stderr
        assert dialog.exists()
    finally:
        dialog.unlink(missing_ok=True)
        vault.unlock()
    assert read("service", "kept", 5) == "x"


@needs_gnome_keyring
def test_many_at_once_all_get_their_secret(backend: Any) -> None:
    """A fetch of many submodules asks many times in the same moment."""
    backend.set_password("service", "many", "x")
    found = []
    readers = [threading.Thread(target=lambda: found.append(read("service", "many", 20))) for _ in range(40)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert found == ["x"] * 40


@pytest.mark.skipif(bool(missing("dbus-daemon")), reason=f"needs Debian's {missing('dbus-daemon')}")
def test_a_bus_without_a_secret_service_is_for_keyring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bus itself says that nobody of that name is there, or can be started."""
    with PrivateBus(tmp_path) as bus:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
        with pytest.raises(Unsupported, match="ServiceUnknown"):
            read("service", "u", 5)


@needs_gnome_keyring
def test_a_secret_service_that_starts_on_demand_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bus starts it for our first call; nobody is asked to make the collection that it lacks."""
    with PrivateBus(tmp_path) as bus:
        trap_dialogs(bus)
        service = (
            f"Name={secret_service._SECRETS}\nExec=/usr/bin/gnome-keyring-daemon --foreground -c secrets\n"
        )
        (bus.services / "secrets.service").write_text(f"[D-BUS Service]\n{service}")
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
        with pytest.raises(VaultLocked, match="no default collection"):
            read("service", "u", 20)
        assert not (tmp_path / "dialog").exists()


# KeePassXC, a Secret Service with nothing in common with gnome-keyring

needs_keepassxc = pytest.mark.skipif(
    bool(missing("dbus-daemon", "keepassxc")), reason=f"needs Debian's {missing('dbus-daemon', 'keepassxc')}"
)


@needs_keepassxc
def test_keepassxc_is_read_as_keyring_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another implementation, the same answers."""
    with PrivateKeePassXC(tmp_path) as vault:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", vault.address)
        backend = keyring_backend()
        assert read("service", "u", 20) is None
        for secret in ("plain", "ä 🔑\nline", "x" * 8192):
            backend.set_password("service", secret[:9], secret)
            assert read("service", secret[:9], 20) == secret == backend.get_password("service", secret[:9])
        with secretstorage.dbus_init() as connection:
            collection = secretstorage.get_default_collection(connection)
            for number in "123":
                attributes = {"service": "several", "username": "u", "number": number}
                collection.create_item(f"item {number}", attributes, number.encode())
        assert read("several", "u", 20) == backend.get_password("several", "u")


@needs_keepassxc
def test_a_locked_database_of_keepassxc_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is there, but nobody has typed its password."""
    with PrivateKeePassXC(tmp_path, unlocked=False) as vault:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", vault.address)
        with pytest.raises(VaultLocked):
            read("service", "u", 20)


@needs_keepassxc
def test_an_item_that_keepassxc_asks_about_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """KeePassXC can ask the person about each caller; the reader does not make it ask."""
    with PrivateKeePassXC(tmp_path, confirm=True) as vault:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", vault.address)
        keyring_backend().set_password("service", "u", "x")
        with pytest.raises(VaultLocked):
            read("service", "u", 20)
