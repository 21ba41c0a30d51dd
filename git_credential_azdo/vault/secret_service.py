"""Read one secret from the Secret Service in six D-Bus messages, without loading ``keyring``.

It returns what keyring's SecretService backend (keyring/backends/SecretService.py) returns, and leaves everything
unusual to keyring (``Unsupported``). It must never unlock, prompt, create or write anything. Specifications:
https://specifications.freedesktop.org/secret-service/latest/ and, in the D-Bus Specification, "Server
Addresses", "Authentication Protocol" and "Message Bus": https://dbus.freedesktop.org/doc/dbus-specification.html

Secrets cross the bus unencrypted (session algorithm "plain"): the socket is local, its peer is a process of the same
user, and a process that can listen there can also ask the Secret Service.
"""

from __future__ import annotations

import _socket  # loading the socket module takes longer than reading a secret
import os
import sys
import time

from git_credential_azdo.errors import VaultLocked
from git_credential_azdo.vault.dbus import ERROR, METHOD_RETURN, Message, method_call, take_message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    Exchange = Callable[[bytes], bytes]

_BUS = "org.freedesktop.DBus"
_BUS_PATH = "/org/freedesktop/DBus"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_SECRETS = "org.freedesktop.secrets"
_SECRETS_PATH = "/org/freedesktop/secrets"
_SERVICE = "org.freedesktop.Secret.Service"
_COLLECTION = "org.freedesktop.Secret.Collection"
_ITEM = "org.freedesktop.Secret.Item"
_IS_LOCKED = "org.freedesktop.Secret.Error.IsLocked"

_LONGEST_LINE = 1024  # of the authentication; the expected line has 35 characters


class Unsupported(Exception):  # noqa: N818 - not an error: it tells the caller to use keyring instead
    """This reader does not handle the case; keyring does. Never shown to the user."""


def _locked(message: str) -> VaultLocked:
    from git_credential_azdo import hints  # noqa: PLC0415 - for an error only

    return VaultLocked(message, hints.unlock())


class TimedOut(Unsupported):
    """The bus or the Secret Service did not respond in time."""


def read(service: str, username: str, deadline: float) -> str | None:
    """Return the secret that keyring wrote for this service and username, or None.

    ``deadline``: the time limit in seconds. Raise VaultLocked when keyring would show a dialog (the default collection
    is locked or absent, the item is locked), Unsupported for anything unusual.
    """
    if sys.platform != "linux":
        raise Unsupported("only Linux has SO_PEERCRED in this form")
    if any("KEYRING_PROPERTY_" in name for name in os.environ):
        raise Unsupported("the environment changes what keyring looks for")
    end = time.monotonic() + deadline
    try:
        for _, bus in _buses(end):
            return lookup(service, username, os.geteuid(), _exchange_with(bus, end))
    except TimeoutError:
        raise TimedOut("the time is up") from None
    except (OSError, ValueError) as unusual:
        raise Unsupported("the bus or the Secret Service did not respond as expected") from unusual
    raise Unsupported("no session bus can be reached")


def bus_addresses(environment: Mapping[str, str]) -> Iterator[bytes]:
    """Yield the session bus's Unix sockets: those of the variable, in libdbus' order, then the user bus of systemd.

    The variable may be from an earlier session, or unset as under cron; systemd runs a bus for each logged-in user.
    Each is an absolute path, or an abstract name with its leading zero byte. Raise ``ValueError`` for a malformed
    address. ``guid`` and other keys are ignored: the socket's owner is checked instead.
    """
    for address in filter(None, environment.get("DBUS_SESSION_BUS_ADDRESS", "").split(";")):
        transport, _, rest = address.partition(":")
        if transport == "unix":
            keys = dict(pair.split("=", 1) for pair in rest.split(","))
            if "abstract" in keys:
                yield b"\0" + _unescape(keys["abstract"])
            elif (path := _unescape(keys.get("path", ""))).startswith(b"/"):
                yield path
    folder = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    if folder.startswith("/"):
        yield os.fsencode(folder) + b"/bus"


def shown_buses() -> str:
    """Return the buses that are tried, for a message."""
    try:
        buses = dict.fromkeys(bus_addresses(os.environ))
    except ValueError:
        return "DBUS_SESSION_BUS_ADDRESS"
    return " or ".join(os.fsdecode(bus.replace(b"\0", b"@", 1)) for bus in buses)


def use_own_bus(seconds: float) -> str:
    """Make the libraries use a session bus of this user, or none; return where it was sought in vain, else empty.

    They do not check its owner, so that a bus of another user would receive what is written. The user bus of systemd
    replaces a bus of the environment that does not answer.
    """
    if sys.platform != "linux":
        return ""
    looked = shown_buses()
    found = "unix:path="  # none: without any address, libdbus would start one
    try:
        for address, _ in _buses(time.monotonic() + seconds):
            kind = "path" if address.startswith(b"/") else "abstract"
            looked, found = "", f"unix:{kind}={''.join(f'%{byte:02x}' for byte in address.lstrip(bytes(1)))}"
            break
    except (OSError, ValueError):
        pass
    os.environ["DBUS_SESSION_BUS_ADDRESS"] = found
    return looked


def _unescape(value: str) -> bytes:
    first, *rest = os.fsencode(value).split(b"%")
    return first + b"".join(bytes([int(piece[:2], 16)]) + piece[2:] for piece in rest)


def lookup(service: str, username: str, user: int, exchange: Exchange) -> str | None:
    """Return the secret. ``exchange``: sends bytes, if any, to the bus and returns the next bytes from it.

    Independent calls are sent together. Raise the errors of ``read``, and ValueError for bytes that are not D-Bus
    messages.
    """
    bus = _Bus(exchange)
    bus.authenticate(user)
    # Not by the path of the alias, /org/freedesktop/secrets/aliases/default: when two calls to it arrive together,
    # gnome-keyring 42 occasionally corrupts the path and replies that there is no such object.
    read_alias = (_SECRETS, _SECRETS_PATH, _SERVICE, "ReadAlias", "s", "default")
    hello, default = bus.ask((_BUS, _BUS_PATH, _BUS, "Hello"), read_alias)
    _result(hello, "s")
    if _result(default, "o") == ["/"]:
        # It may also miss a new caller while others connect and disconnect (its log: "assertion 'client' failed"). It
        # then answers this call wrongly, but would crash on OpenSession or a property: never send those first.
        (default,) = bus.ask(read_alias)
    (collection,) = _result(default, "o")
    if collection == "/":
        raise _locked("the keyring has no default collection")

    attributes = (("username", username), ("service", service))
    locked, found, opened = bus.ask(
        (_SECRETS, collection, _PROPERTIES, "Get", "ss", _COLLECTION, "Locked"),
        (_SECRETS, collection, _COLLECTION, "SearchItems", "a{ss}", attributes),
        (_SECRETS, _SECRETS_PATH, _SERVICE, "OpenSession", "sv", "plain", ("s", "")),
    )
    (is_locked,) = _result(locked, "v")
    if is_locked == ("b", True):
        raise _locked("the keyring is locked")
    if is_locked != ("b", False):
        raise Unsupported("the collection does not say whether it is locked")
    (items,) = _result(found, "ao")
    if not items:
        return None
    _, session = _result(opened, "vo")

    # keyring also takes the first of several items.
    (given,) = bus.ask((_SECRETS, items[0], _ITEM, "GetSecret", "o", session))
    ((of_session, parameters, secret, _content_type),) = _result(given, "(oayays)")
    if of_session != session or parameters:
        raise Unsupported("the secret did not come as agreed")
    try:
        return str(secret, "utf-8")
    except UnicodeDecodeError:
        raise Unsupported("the secret is not text") from None


def _result(reply: Message, signature: str) -> list[Any]:
    if reply.error_name == _IS_LOCKED:
        raise _locked("the keyring is locked")
    if reply.type == ERROR:
        raise Unsupported(f"a call was answered with {reply.error_name}")
    return reply.body(signature)


class _Bus:
    """The client's end of the bus: the bytes that are still to be sent, and those received."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._arrived = bytearray()
        self._serial = 0
        self._to_send = b""

    def authenticate(self, user: int) -> None:
        """Authenticate as this user, which the kernel confirms to the bus."""
        self._arrived += self._exchange(b"\0AUTH EXTERNAL %b\r\n" % str(user).encode().hex().encode())
        while b"\r\n" not in self._arrived:
            if len(self._arrived) > _LONGEST_LINE:
                raise Unsupported("the bus does not speak the authentication protocol")
            self._arrived += self._exchange(b"")
        if not (self._arrived.startswith(b"OK ") and self._arrived.endswith(b"\r\n")):
            raise Unsupported("the bus refused the authentication")
        self._arrived.clear()
        self._to_send = b"BEGIN\r\n"

    def ask(self, *calls: tuple[Any, ...]) -> list[Message]:
        """Send these calls (each the arguments of ``method_call``); return their replies in the same order.

        Waits for all replies, even if the first one is enough: some Secret Services fail when the peer closes the
        connection while they work. Signals and other replies are skipped.
        """
        first, self._serial = self._serial + 1, self._serial + len(calls)
        serials = range(first, self._serial + 1)
        for serial, call in zip(serials, calls, strict=True):
            self._to_send += method_call(serial, *call)
        self._arrived += self._exchange(self._to_send)
        self._to_send = b""
        replies: dict[int | None, Message] = {}
        while len(replies) < len(calls):
            message = take_message(self._arrived)
            if message is None:
                self._arrived += self._exchange(b"")
            elif message.type in (METHOD_RETURN, ERROR) and message.reply_serial in serials:
                replies[message.reply_serial] = message
        return [replies[serial] for serial in serials]


def _buses(end: float) -> Iterator[tuple[bytes, _socket.socket]]:
    """Yield the address of each bus that this user runs, with a connection that is closed on resumption."""
    user = os.geteuid()
    for address in bus_addresses(os.environ):
        bus = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            owner = user if address.startswith(b"\0") else os.stat(address).st_uid
            _connect(bus, address, end)
            ucred = bus.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)  # struct ucred: pid, uid, gid
            if owner == user == int.from_bytes(ucred[4:8], sys.byteorder):
                yield address, bus
        except (FileNotFoundError, ConnectionRefusedError, PermissionError):
            pass
        finally:
            bus.close()


def _connect(bus: _socket.socket, address: bytes, end: float) -> None:
    while True:
        bus.settimeout(_time_left(end))
        try:
            return bus.connect(address)
        except BlockingIOError:  # its queue is full: many processes connect at once
            time.sleep(0.002)


def _exchange_with(bus: _socket.socket, end: float) -> Exchange:
    def exchange(outgoing: bytes) -> bytes:
        bus.settimeout(_time_left(end))
        if outgoing:
            bus.sendall(outgoing)
        arrived = bus.recv(4096)
        if not arrived:
            raise Unsupported("the bus closed the connection")
        return arrived

    return exchange


def _time_left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
