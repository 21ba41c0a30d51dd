"""D-Bus messages as bytes, against jeepney as an independent reading of the same specification."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jeepney import (  # type: ignore[import-untyped]
    DBusAddress,
    Endianness,
    Header,
    HeaderFields,
    Message,
    MessageType,
    Parser,
    new_method_call,
)

from git_credential_azdo.vault import dbus

if TYPE_CHECKING:
    from typing import Any

FEW = settings(max_examples=40)  # of cases that are all alike in kind

BASIC = {
    "y": st.integers(0, 255),
    "b": st.booleans(),
    "u": st.integers(0, 2**32 - 1),
    "s": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
    "o": st.sampled_from(["/", "/org", "/org/freedesktop/secrets/item_1"]),
    "g": st.sampled_from(["", "s", "a{sv}(oayays)"]),
}
BASIC_KINDS = st.sampled_from(sorted(BASIC))


MEMBERS = BASIC_KINDS | st.just("v") | BASIC_KINDS.map("a{}".format)
STRUCTS = st.lists(MEMBERS, min_size=1, max_size=4).map(lambda members: f"({''.join(members)})")
KINDS = MEMBERS | STRUCTS | STRUCTS.map("a{}".format) | st.builds("a{{{}{}}}".format, BASIC_KINDS, MEMBERS)
EXPECTED = ("", "s", "o", "v", "ao", "vo", "(oayays)")
"""The signatures of the replies that reading a secret expects."""


def values(kind: str) -> st.SearchStrategy[Any]:
    """Make values of a complete type, in the shape in which ``Message.body`` gives them."""
    if kind in BASIC:
        return BASIC[kind]
    if kind == "v":
        return BASIC_KINDS.flatmap(lambda chosen: st.tuples(st.just(chosen), values(chosen)))
    if kind == "ay":
        return st.binary(max_size=20)
    if kind.startswith("a{"):
        key, value = dbus.complete_types(kind[2:-1])
        return st.dictionaries(values(key), values(value), max_size=3).map(lambda pairs: list(pairs.items()))
    if kind.startswith("a"):
        return st.lists(values(kind[1:]), max_size=3)
    return st.tuples(*(values(member) for member in dbus.complete_types(kind[1:-1])))


def for_jeepney(kind: str, value: Any) -> Any:
    """Turn our shape of a value into jeepney's, whose dictionaries are dicts."""
    if kind == "v":
        return value[0], for_jeepney(*value)
    if kind.startswith("a{"):
        key, inner = dbus.complete_types(kind[2:-1])
        return {for_jeepney(key, k): for_jeepney(inner, v) for k, v in value}
    if kind.startswith("a") and kind != "ay":
        return [for_jeepney(kind[1:], element) for element in value]
    if kind.startswith("("):
        return tuple(map(for_jeepney, dbus.complete_types(kind[1:-1]), value))
    return value


BODIES = st.lists(KINDS, max_size=3).flatmap(
    lambda kinds: st.tuples(st.just("".join(kinds)), st.tuples(*(values(kind) for kind in kinds)))
)
ENDIANNESS = st.sampled_from(Endianness)


def a_return(endianness: Endianness, signature: str, body: Any, serial: int = 7) -> bytes:
    """Marshal a METHOD_RETURN with jeepney."""
    kinds = dbus.complete_types(signature)
    fields = {HeaderFields.reply_serial: serial, HeaderFields.sender: ":1.5"}
    if signature:
        fields[HeaderFields.signature] = signature
    header = Header(endianness, MessageType.method_return, 0, 1, 0, 3, fields)
    data: bytes = Message(header, tuple(map(for_jeepney, kinds, body))).serialise()
    return data


def takes(data: bytes) -> dbus.Message:
    """Take the one message that these bytes are."""
    buffer = bytearray(data)
    message = dbus.take_message(buffer)
    assert message is not None
    assert not buffer
    return message


@FEW
@given(ENDIANNESS, BODIES)
def test_what_jeepney_marshals_is_read_in_both_byte_orders(endianness: Endianness, body: Any) -> None:
    """Types, alignment and byte order are read as another implementation writes them."""
    signature, expected = body
    message = takes(a_return(endianness, signature, expected))
    assert message.type == dbus.METHOD_RETURN
    assert message.reply_serial == 7
    assert message.error_name is None
    assert message.body(signature) == list(expected)


@FEW
@given(BODIES)
def test_a_call_is_what_jeepney_marshals(body: Any) -> None:
    """Our bytes, parsed by another implementation, are the call; the body is the same byte for byte."""
    signature, arguments = body
    data = dbus.method_call(9, "org.example.Name", "/path", "org.example.I", "Method", signature, *arguments)
    parser = Parser()
    parser.add_data(data)
    call = parser.get_next_message()
    assert call.header.message_type is MessageType.method_call
    assert call.header.serial == 9
    assert call.header.fields[HeaderFields.path] == "/path"
    assert call.header.fields[HeaderFields.destination] == "org.example.Name"
    assert call.header.fields[HeaderFields.interface] == "org.example.I"
    assert call.header.fields[HeaderFields.member] == "Method"
    assert call.header.fields.get(HeaderFields.signature, "") == signature
    theirs = tuple(map(for_jeepney, dbus.complete_types(signature), arguments))
    assert call.body == theirs
    again = new_method_call(
        DBusAddress("/path", "org.example.Name", "org.example.I"), "Method", signature, theirs
    )
    ours = dbus.marshal(signature, arguments)
    assert data.endswith(ours)
    assert again.serialise(9).endswith(ours)


@FEW
@given(BODIES)
def test_what_is_marshalled_is_unmarshalled(body: Any) -> None:
    """Marshalling and unmarshalling are each other's inverse."""
    signature, arguments = body
    message = takes(dbus.method_call(1, "a.b", "/", "a.b", "M", signature, *arguments))
    assert message.type == dbus.METHOD_CALL
    assert message.body(signature) == list(arguments)


@FEW
@given(st.lists(st.tuples(ENDIANNESS, BODIES), min_size=1, max_size=3))
def test_messages_that_arrive_byte_by_byte_are_taken_one_after_the_other(messages: Any) -> None:
    """Wherever the bytes are cut, the same messages come out, and none of them early."""
    buffer = bytearray()
    taken = []
    lengths = []
    for serial, (endianness, (signature, body)) in enumerate(messages, 1):
        data = a_return(endianness, signature, body, serial)
        lengths.append(len(data))
        for byte in data:
            buffer.append(byte)
            message = dbus.take_message(buffer)
            if message is not None:
                taken.append((message.reply_serial, message.signature, message.body(message.signature)))
        assert len(taken) == serial
    assert taken == [(n, sig, list(body)) for n, (_, (sig, body)) in enumerate(messages, 1)]


@FEW
@given(ENDIANNESS, BODIES, st.data())
def test_damaged_messages_are_refused_or_read_but_nothing_else(
    endianness: Endianness, body: Any, data: st.DataObject
) -> None:
    """Whatever one byte becomes, there is a message, no message yet, or ``BadMessageError``."""
    signature, arguments = body
    damaged = bytearray(a_return(endianness, signature, arguments))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    assert_harmless(damaged)


@FEW
@given(st.binary(max_size=200))
@example(b"l\2\0\1" + bytes(12))
def test_random_bytes_are_refused_or_read_but_nothing_else(data: bytes) -> None:
    """Bytes behind a plausible start are no more dangerous than others."""
    assert_harmless(bytearray(data))
    assert_harmless(bytearray(b"l\2\0\1" + len(data).to_bytes(4, "little") + data))


def assert_harmless(buffer: bytearray) -> None:
    """Take and read whatever can be taken; fail on any error but ``BadMessageError``."""
    before = len(buffer)
    message = None
    with suppress(dbus.BadMessageError):
        message = dbus.take_message(buffer)
    for signature in EXPECTED:
        with suppress(dbus.BadMessageError):
            assert message is None or message.body(signature) is not None
    assert len(buffer) <= before


def header(**changes: int) -> bytes:
    """Make the fixed part of a METHOD_RETURN's header, with these parts changed."""
    parts = {
        "endian": ord("l"),
        "type": 2,
        "flags": 0,
        "version": 1,
        "body": 0,
        "serial": 1,
        "fields": 0,
    } | changes
    return bytes(list(parts.values())[:4]) + b"".join(
        parts[name].to_bytes(4, "little") for name in ("body", "serial", "fields")
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(header(endian=ord("x")), id="neither little nor big endian"),
        pytest.param(header(type=0), id="type INVALID"),
        pytest.param(header(version=2), id="a later protocol version"),
        pytest.param(header(body=dbus.LONGEST_MESSAGE), id="a body too long"),
        pytest.param(header(fields=2**32 - 1), id="header fields too long"),
        pytest.param(header(fields=8) + b"\5\1s\0\0\0\0\0", id="a string without its end"),
        pytest.param(header(fields=8) + b"\5\1y\0\0\0\0\0", id="a header field of another type"),
        pytest.param(header(fields=4) + b"\x0a\1q\0" + bytes(4), id="a type that we do not read"),
        pytest.param(header(fields=1) + b"\1" + bytes(6) + b"\1", id="a header field cut short"),
        pytest.param(header(fields=7) + b"\x0a\2yy\0\0\0\0", id="two values in a variant"),
    ],
)
def test_what_is_no_message_of_ours_is_refused(data: bytes) -> None:
    """Each is refused as soon as it is all there, the lengths even before."""
    with pytest.raises(dbus.BadMessageError):
        dbus.take_message(bytearray(data))


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        pytest.param("b", b"\2\0\0\0", id="a boolean of 2"),
        pytest.param("s", b"\2\0\0\0a\0\0", id="a zero byte within a string"),
        pytest.param("s", b"\1\0\0\0a", id="no zero byte after a string"),
        pytest.param("s", b"\1\0\0\0\xff\0", id="not UTF-8"),
        pytest.param("s", b"\xff\xff\xff\xff", id="a length beyond the message"),
        pytest.param("ay", b"\xff\xff\xff\x7f", id="an array beyond the message"),
        pytest.param("as", b"\5\0\0\0\1\0\0\0a\0", id="an element beyond its array"),
        pytest.param("yu", b"\1\1\0\0\0\0\0\0", id="padding that is not zero"),
        pytest.param("y", b"\1\1", id="more than the signature says"),
        pytest.param("v", b"\1v\0" * 5000 + b"\1y\0\1", id="variants in variants in variants"),
        pytest.param("v", b"\2as\0" + bytes(4), id="a variant of an array"),
        pytest.param("v", b"\0\0", id="a variant of nothing"),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused(signature: str, body: bytes) -> None:
    """The rules are those of "Marshaling (Wire Format)" and "Valid Signatures"."""
    fields = bytes([8, 1]) + b"g\0" + bytes([len(signature)]) + signature.encode() + b"\0"
    data = header(body=len(body), fields=len(fields)) + fields + bytes(-len(fields) % 8) + body
    message = takes(data)
    assert message.signature == signature
    with pytest.raises(dbus.BadMessageError):
        message.body(signature)


def test_a_body_is_read_only_as_what_it_is_expected_to_be() -> None:
    """A reply with another signature is refused, not guessed at."""
    message = takes(a_return(Endianness.little, "s", ("x",)))
    with pytest.raises(dbus.BadMessageError):
        message.body("o")


def test_a_string_with_a_zero_byte_cannot_be_sent() -> None:
    """D-Bus has no such strings, and the bus would hang up on us."""
    with pytest.raises(dbus.BadMessageError):
        dbus.marshal("s", ("a\0b",))


def test_an_error_does_not_quote_the_bytes() -> None:
    """They may be a secret."""
    message = takes(a_return(Endianness.little, "s", ("geheim",)))
    with pytest.raises(dbus.BadMessageError) as refused:
        message.body("ay")
    assert "geheim" not in repr(refused.value)
