"""D-Bus messages as bytes: marshal a method call, unmarshal the reply. Pure: no socket, no clock.

The names and rules are those of the D-Bus Specification, chapters "Type System", "Marshaling (Wire Format)"
and "Message Protocol": https://dbus.freedesktop.org/doc/dbus-specification.html
Supports only the types that reading a secret needs: y b u s o g, variants of one of these or of bytes, and arrays,
structs and dict entries of those. An error must never quote the bytes that caused it: they may be a secret.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal

    ByteOrder = Literal["little", "big"]

METHOD_CALL, METHOD_RETURN, ERROR, SIGNAL = 1, 2, 3, 4  # message types
# Header fields.
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SIGNATURE = 1, 2, 3, 4, 5, 6, 8

# The specification allows 128 MiB, but a reply with a secret is far shorter than this.
LONGEST_MESSAGE = 1 << 18

_PROTOCOL_VERSION = 1
_FIXED_HEADER = 16  # bytes, up to and including the length of the array of header fields
_ENDIANNESS: dict[int, ByteOrder] = {ord("l"): "little", ord("B"): "big"}
_ALIGNMENT = {"y": 1, "b": 4, "u": 4, "s": 4, "o": 4, "g": 1, "v": 1, "a": 4, "(": 8, "{": 8}
_IN_VARIANT = frozenset(("y", "b", "u", "s", "o", "g", "ay"))
"""The output of OpenSession is an empty string from gnome-keyring, but an empty array of bytes from KWallet."""


class BadMessageError(ValueError):
    """The bytes are not a D-Bus message, or a message with unsupported types."""


def method_call(  # noqa: PLR0917 - the header's fields, all of which every call needs
    serial: int,
    destination: str,
    path: str,
    interface: str,
    member: str,
    signature: str = "",
    *arguments: Any,
) -> bytes:
    """Return a METHOD_CALL message, little-endian, without flags."""
    body = marshal(signature, arguments)
    fields = [
        (PATH, ("o", path)),
        (DESTINATION, ("s", destination)),
        (INTERFACE, ("s", interface)),
        (MEMBER, ("s", member)),
    ]
    if signature:
        fields.append((SIGNATURE, ("g", signature)))
    header = marshal("yyyyuua(yv)", (ord("l"), METHOD_CALL, 0, _PROTOCOL_VERSION, len(body), serial, fields))
    return header + bytes(-len(header) % 8) + body


def marshal(signature: str, values: Iterable[Any]) -> bytes:
    """Return the values as little-endian bytes, one value for each complete type of ``signature``.

    A variant is a pair (signature, value); an array is any iterable, so a dict is its pairs.
    """
    out = bytearray()
    for kind, value in zip(complete_types(signature), values, strict=True):
        _append(out, kind, value)
    return bytes(out)


def _append(out: bytearray, kind: str, value: Any) -> None:
    code = kind[0]
    out += bytes(-len(out) % _ALIGNMENT[code])
    if code == "y":
        out.append(value)
    elif code in "bu":
        out += int(value).to_bytes(4, "little")
    elif code in "sog":
        text = value.encode()
        if 0 in text:
            raise BadMessageError("a string holds a zero byte")
        out += len(text).to_bytes(1 if code == "g" else 4, "little") + text + b"\0"
    elif code == "a":
        out += bytes(4)
        length_at = len(out) - 4
        out += bytes(-len(out) % _ALIGNMENT[kind[1]])
        start = len(out)
        for element in value:
            _append(out, kind[1:], element)
        out[length_at : length_at + 4] = (len(out) - start).to_bytes(4, "little")
    else:
        members = ["g", value[0]] if code == "v" else complete_types(kind[1:-1])
        for member, part in zip(members, value, strict=True):
            _append(out, member, part)


def complete_types(signature: str) -> list[str]:
    """Split one of this program's signatures into single complete types: ``oa{ss}`` into ``o`` and ``a{ss}``."""
    kinds = []
    while signature:
        end = 1 + (signature[0] == "a")
        if signature[end - 1] in "({":
            end = signature.index(")" if signature[end - 1] == "(" else "}") + 1
        kinds.append(signature[:end])
        signature = signature[end:]
    return kinds


class Message:
    """One received message; its body is not unmarshaled until ``body`` is given its signature.

    ``type`` is METHOD_RETURN, ERROR or another; ``reply_serial`` and ``error_name`` are None where the header has none.
    """

    __slots__ = ("_body", "_order", "error_name", "reply_serial", "signature", "type")

    def __init__(self, data: bytes) -> None:
        header = _Unmarshaller(data, _ENDIANNESS[data[0]], position=12)
        fields: dict[int, tuple[str, Any]] = dict(header.value("a(yv)"))
        header.align(8)

        def field(code: int, kind: str) -> Any:
            found, value = fields.get(code, (kind, None))
            if found != kind:
                raise BadMessageError("a header field has another type than its name says")
            return value

        self.type = data[1]
        self.reply_serial: int | None = field(REPLY_SERIAL, "u")
        self.error_name: str | None = field(ERROR_NAME, "s")
        self.signature: str = field(SIGNATURE, "g") or ""
        self._order = header.order
        self._body = data[header.position :]

    def body(self, signature: str) -> list[Any]:
        """Return the values of a body of exactly this signature; raise ``BadMessageError`` for any other."""
        if self.signature != signature:
            raise BadMessageError("a reply has another signature than its method")
        body = _Unmarshaller(self._body, self._order, position=0)
        values = [body.value(kind) for kind in complete_types(signature)]
        if body.position != len(self._body):
            raise BadMessageError("a body is longer than its signature")
        return values


def take_message(buffer: bytearray) -> Message | None:
    """Remove the first message from ``buffer`` and return it; None while it is incomplete.

    Raise BadMessageError for bytes that are not a message, as early as possible.
    """
    if len(buffer) < _FIXED_HEADER:
        return None
    order = _ENDIANNESS.get(buffer[0])
    if order is None or buffer[1] == 0 or buffer[3] != _PROTOCOL_VERSION:
        raise BadMessageError("this is not the header of a message")
    fields_length = int.from_bytes(buffer[12:16], order)
    length = _FIXED_HEADER + fields_length + -fields_length % 8 + int.from_bytes(buffer[4:8], order)
    if length > LONGEST_MESSAGE:
        raise BadMessageError("a message is too long")
    if len(buffer) < length:
        return None
    data = bytes(buffer[:length])
    del buffer[:length]
    return Message(data)


class _Unmarshaller:
    """Read values from ``data``, one after the other, never past its end."""

    __slots__ = ("data", "order", "position")

    def __init__(self, data: bytes, order: ByteOrder, position: int) -> None:
        self.data = data
        self.order = order
        self.position = position

    def take(self, length: int) -> bytes:
        start, self.position = self.position, self.position + length
        if self.position > len(self.data):
            raise BadMessageError("a message ends too early")
        return self.data[start : self.position]

    def align(self, boundary: int) -> None:
        if self.take(-self.position % boundary).strip(b"\0"):
            raise BadMessageError("the padding is not zero")

    def value(self, kind: str) -> Any:
        """Return the next value; ``ay`` is bytes, another array a list, a struct or dict entry a tuple."""
        code = kind[0]
        self.align(_ALIGNMENT[code])
        if code in "({":
            return tuple([self.value(member) for member in complete_types(kind[1:-1])])
        if code == "v":
            of = self.value("g")
            if of not in _IN_VARIANT:
                raise BadMessageError("a variant holds a type that no answer here has")
            return of, self.value(of)
        number = int.from_bytes(self.take(1 if code in "yg" else 4), self.order)
        if code in "yu":
            return number
        if code == "b":
            if number > 1:
                raise BadMessageError("a boolean is neither 0 nor 1")
            return number == 1
        return self.array(kind[1:], number) if code == "a" else self.string(number)

    def string(self, length: int) -> str:
        text = self.take(length + 1)
        if text.find(0) != length:
            raise BadMessageError("a string does not end where its length says")
        try:
            return text[:-1].decode()
        except UnicodeDecodeError:
            raise BadMessageError("a string is not UTF-8") from None

    def array(self, element: str, length: int) -> Any:
        self.align(_ALIGNMENT[element[0]])
        if element == "y":
            return self.take(length)
        end = self.position + length
        if end > len(self.data):
            raise BadMessageError("a message ends too early")
        values = []
        while self.position < end:
            values.append(self.value(element))
        if self.position != end:
            raise BadMessageError("an array does not end where its length says")
        return values
