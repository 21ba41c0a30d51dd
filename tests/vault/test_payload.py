"""payload.py: what a vault's entries hold, whole or in parts."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from git_credential_azdo.errors import ProtocolError
from git_credential_azdo.vault.payload import PART_UNITS, decode, encode, remove, split, units
from tests.support.memory_backend import ASTRAL, KEY, Backend, long

VALUES = st.binary().map(
    lambda data: data.translate(None, b"\n\0").rstrip(b"\r").decode("utf-8", "surrogateescape")
)


@given(st.lists(st.tuples(st.sampled_from(["token", "password", "expires_utc"]), VALUES), min_size=1))
@example([("password", "\udcff\u20ac")])
@example([("password", "\x80\x85\x9f\xff")])
def test_a_payload_is_read_back_whatever_bytes_it_has(pairs: list[tuple[str, str]]) -> None:
    """As text that is valid Unicode and not empty, since a keyring may ask for that."""
    text = encode(pairs)
    message = decode(text)

    assert text
    assert text.encode("utf-8").decode("utf-8") == text
    assert message.fields == dict(pairs)


def test_a_payload_is_plain_lines() -> None:
    """A person, or another program, can read it in the keyring."""
    assert encode([("token", "a=b"), ("received_utc", "7")]) == "token=a=b\nreceived_utc=7"
    assert encode([("password", "é\udcff")]) == "encoding=latin-1\npassword=\xc3\xa9\xff"


@pytest.mark.parametrize(
    "text",
    ["no lines of ours", "=x", "a=\0", "half=\ud800", "encoding=latin-1\nk=\u20ac", "encoding=latin-1\nx"],
)
def test_an_entry_that_is_not_ours_is_refused(text: str) -> None:
    """Whatever it holds; and the error does not show it."""
    with pytest.raises(ProtocolError) as caught:
        decode(text)

    assert caught.value.__cause__ is None
    assert "half" not in caught.value.message


def test_nothing_is_saved_is_none() -> None:
    """An absent entry is no error."""
    assert Backend().load() is None


@pytest.mark.parametrize("size", [1, PART_UNITS - 6, PART_UNITS - 5, 2 * PART_UNITS, 5_000])
@pytest.mark.parametrize("character", ["x", "é", ASTRAL])
def test_a_secret_of_any_length_is_saved(size: int, character: str) -> None:
    """In a backend that refuses more than it can hold."""
    backend = Backend(holds=PART_UNITS)

    backend.save(character * size)

    assert backend.load() == character * size
    assert all(units(text) <= PART_UNITS for text in backend.entries.values())
    assert (len(backend.entries) == 1) == (units(character) * size + len("token=") <= PART_UNITS)


def test_a_backend_that_holds_it_gets_it_whole() -> None:
    """Splitting is only for those that refuse."""
    backend = Backend()

    backend.save(long())

    assert list(backend.entries) == [KEY]
    assert backend.log == [f"read {KEY}", f"write {KEY}"]


def test_a_backend_that_refuses_it_gets_its_parts_before_their_head() -> None:
    """A reader that finds the head finds the parts."""
    backend = Backend(holds=PART_UNITS)

    backend.save(long())

    assert backend.log == [
        f"read {KEY}",
        f"write {KEY}",
        *(f"write {KEY}#g1.{number}" for number in (1, 2, 3)),
        f"write {KEY}",
    ]
    assert backend.entries[KEY] == "parts=3\ngeneration=g1"


@pytest.mark.parametrize(
    ("first", "second"), [(long("a"), long("b")), (long("a"), "b"), ("a", long("b")), ("a", "b")]
)
def test_the_new_secret_replaces_every_part_of_the_old(first: str, second: str) -> None:
    """Nothing of the old one stays behind."""
    backend = Backend(holds=PART_UNITS)
    backend.save(first, "g1")

    backend.save(second, "g2")

    assert backend.load() == second
    assert len(backend.entries) == (4 if len(second) > 1 else 1)
    assert not any("a" * 10 in text for text in backend.entries.values())


@pytest.mark.parametrize("parts", ["x", "-1", "1000", "\u0661", "", "0"])
def test_a_payload_may_have_a_key_of_the_head_s_name(parts: str) -> None:
    """Only a sensible number of parts makes a head."""
    backend = Backend()
    backend.entries[KEY] = f"token=b\nparts={parts}"

    assert backend.load() == "b"


@pytest.mark.parametrize("secret", ["a", long("a"), None])
def test_removing_leaves_nothing(secret: str | None) -> None:
    """The head goes first; an absent secret is no error."""
    backend = Backend(holds=PART_UNITS)
    backend.entries["a1/pat"] = "token=other"
    if secret:
        backend.save(secret)
    backend.log.clear()

    remove(backend, KEY)

    assert backend.entries == {"a1/pat": "token=other"}
    assert backend.log[:2] == [f"read {KEY}", f"delete {KEY}"]


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.just(ASTRAL), max_size=60), st.integers(2, 9))
@example("", 2)
@example(ASTRAL * 3, 2)
@example("x" + ASTRAL * 3, 2)
@example("x" * 4, 2)
def test_pieces_join_to_the_whole_and_none_is_too_long(text: str, limit: int) -> None:
    """No character is cut in two."""
    pieces = split(text, limit)

    assert "".join(pieces) == text
    assert all(units(piece) <= limit for piece in pieces)
    assert all(pieces) or text == ""


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("\uffff")
@example("\U00010000")
def test_units_are_those_of_utf_16(text: str) -> None:
    """As Windows counts."""
    assert units(text) == len(text.encode("utf-16-le")) // 2


def test_a_part_is_what_windows_holds() -> None:
    """2,560 bytes (CRED_MAX_CREDENTIAL_BLOB_SIZE)."""
    assert PART_UNITS * 2 == 2_560
