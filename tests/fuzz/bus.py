"""The conversation with D-Bus and the Secret Service: everything that comes back is somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_azdo.errors import VaultLocked
from git_credential_azdo.vault import dbus
from git_credential_azdo.vault.secret_service import Unsupported, lookup
from tests.fuzz.oracle import check, check_message

if TYPE_CHECKING:
    from typing import Any

    from tests.fuzz.source import Source

_MEMBERS = (b"Hello", b"ReadAlias", b"Get", b"SearchItems", b"OpenSession", b"GetSecret")
_FORBIDDEN = (b"Unlock", b"Prompt", b"CreateItem", b"CreateCollection", b"SetSecret", b"Delete")
_MAX_CALLS = 7
_SESSION = "/org/freedesktop/secrets/session/s1"
_GOOD: tuple[tuple[str, Any], ...] = (
    ("s", (":1.7",)),
    ("o", ("/org/freedesktop/secrets/collection/login",)),
    ("v", (("b", 0),)),
    ("ao", (["/org/freedesktop/secrets/collection/login/1"],)),
    ("vo", (("s", ""), _SESSION)),
    ("(oayays)", ((_SESSION, b"", b"token=x", "text/plain"),)),
)
_ODD: tuple[tuple[str, Any], ...] = (
    ("", ()),
    ("o", ("/",)),
    ("v", (("b", 1),)),
    ("v", (("u", 7),)),
    ("v", (("v", ("b", 0)),)),
    ("ao", ([],)),
    ("as", (["x"],)),
    ("(oayays)", (("/other", b"x", b"\xff", ""),)),
    ("s", ("é" * 40,)),
)
_ROUNDS = 200


def messages(source: Source) -> None:
    """Cut messages off a stream, whole or byte by byte, and read every body that its signature allows."""
    data = source.rest()
    whole = _messages_in(data, len(data) or 1)
    check(_messages_in(data, 7) == whole, "a message depends on how it arrives", data)


def _messages_in(data: bytes, step: int) -> list[tuple[object, ...]]:
    buffer = bytearray()
    found: list[tuple[object, ...]] = []
    try:
        for at in range(0, len(data), step):
            buffer += data[at : at + step]
            while (message := dbus.take_message(buffer)) is not None:
                found.append((message.type, message.reply_serial, message.error_name, _bodies(message)))
    except dbus.BadMessageError as bad:
        found.append((str(bad),))
    return found


def _bodies(message: dbus.Message) -> list[str]:
    bodies = []
    for signature, _ in (*_GOOD, *_ODD):
        try:
            bodies.append(repr(message.body(signature)))
        except dbus.BadMessageError as bad:
            bodies.append(type(bad).__name__)
    return bodies


def conversation(source: Source) -> None:
    """Look a secret up at a bus that answers as the fuzzer likes."""
    count = 0
    rounds = iter(range(_ROUNDS))

    def exchange(sent: bytes) -> bytes:
        nonlocal count
        if not source.more or next(rounds, None) is None:
            raise Unsupported("enough")
        calls = _calls_in(sent)
        count += calls
        check(count <= _MAX_CALLS + 1, "more is asked than a secret needs", count)
        return _answer(source, count, calls)

    try:
        found = lookup("git-credential-azdo", "a1/refresh", 1000, exchange)
        check(found is None or isinstance(found, str), "no text", found)
    except VaultLocked as locked:
        check_message(locked)
    except (Unsupported, ValueError) as odd:
        check(len(str(odd)) < 400, "an error that quotes what came", str(odd)[:80])


def _calls_in(sent: bytes) -> int:
    check(not any(member in sent for member in _FORBIDDEN), "something is unlocked, created or written", sent)
    return sum(sent.count(b"\0" + member + b"\0") for member in _MEMBERS)


def _answer(source: Source, count: int, calls: int) -> bytes:
    kind = source.number(7)
    if kind == 0:
        return source.raw(source.number(600)) or b"\0"
    if kind == 1 or not count:
        return source.pick(
            (b"OK 1234deadbeef\r\n", b"REJECTED EXTERNAL\r\n", b"OK \r\nOK \r\n", b"OK", b"x" * 1_100)
        )
    replies = b""
    for serial in range(count - calls + 1, count + 1) if calls else (source.number(8),):
        signature, body = _GOOD[(serial - 1) % len(_GOOD)] if source.number(3) else source.pick(_ODD)
        replies += _reply(source, serial, signature, body)
    damage = source.number(len(replies)) if source.number(3) == 0 else 0
    return replies[:damage] + source.raw(4) + replies[damage + 4 :] if damage else replies


def _reply(source: Source, serial: int, signature: str, body: Any) -> bytes:
    types = (dbus.METHOD_RETURN,) * 6 + (dbus.ERROR, dbus.SIGNAL)
    kind = source.pick(types)
    fields: list[tuple[int, tuple[str, object]]] = [(dbus.REPLY_SERIAL, ("u", serial))]
    if kind == dbus.ERROR:
        names = ("org.freedesktop.Secret.Error.IsLocked", "org.freedesktop.DBus.Error.ServiceUnknown", "")
        fields.append((dbus.ERROR_NAME, ("s", source.pick(names))))
    if signature:
        fields.append((dbus.SIGNATURE, ("g", signature)))
    data = dbus.marshal(signature, body)
    header = dbus.marshal("yyyyuua(yv)", (ord("l"), kind, 0, 1, len(data), 9, fields))
    return header + bytes(-len(header) % 8) + data
