"""A D-Bus with a Secret Service that is made up here; jeepney writes its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from jeepney import Endianness, Header, HeaderFields, Message, MessageType, Parser  # type: ignore[import-untyped]
from keyring.backends import SecretService

from git_credential_azdo.vault.secret_service import Unsupported, lookup

if TYPE_CHECKING:
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
    waiting = bytearray()
    rounds = iter(range(100_000))

    def exchange(outgoing: bytes) -> bytes:
        if next(rounds, None) is None:
            pytest.fail("the conversation does not end")
        if outgoing or not waiting:
            arrived = bus.take(outgoing)
            if spoil is not None:
                arrived = spoil(arrived)
            if not arrived:
                raise Unsupported("nothing more comes")
            waiting.extend(arrived)
        taken = bytes(waiting[:chunk])
        del waiting[:chunk]
        return taken

    return lookup("service", "username", 1000, exchange)
