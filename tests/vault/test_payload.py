"""secret.py: what a vault's entries hold, whole or in parts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from git_credential_azdo.errors import ProtocolError, VaultError, VaultLocked
from git_credential_azdo.vault.payload import PART_UNITS, decode, encode, load, remove, save, split, units

ASTRAL = "\U0001f511"
KEY = "a1/refresh"


class Backend:
    """A backend in memory that can fail at a given call; ``log`` is what it was asked, in order."""

    def __init__(self, holds: int | None = None) -> None:
        self.entries: dict[str, str] = {}
        self.log: list[str] = []
        self.holds = holds
        self.failing: dict[str, VaultError] = {}

    def read(self, name: str) -> str | None:
        """Return the entry, if it is there."""
        self._note(f"read {name}")
        return self.entries.get(name)

    def write(self, name: str, text: str) -> None:
        """Keep the entry, if it is not too long."""
        self._note(f"write {name}")
        if self.holds is not None and len(text.encode("utf-16-le")) // 2 > self.holds:
            raise VaultError("too long")
        self.entries[name] = text

    def delete(self, name: str) -> None:
        """Delete the entry; an absent one is no error."""
        self._note(f"delete {name}")
        self.entries.pop(name, None)

    def save(self, secret: str, generation: str = "g1", limit: int | None = None) -> None:
        """Keep the secret under KEY."""
        save(self.read, self.write, self.delete, KEY, [("token", secret)], generation=generation, limit=limit)

    def load(self) -> str | None:
        """Read the secret under KEY."""
        message = load(self.read, KEY)
        return message.get("token") if message else None

    def _note(self, call: str) -> None:
        self.log.append(call)
        if call in self.failing:
            raise self.failing[call]


def long(character: str = "x") -> str:
    """Make a secret of three parts."""
    return character * (2 * PART_UNITS + 10)


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


def test_nothing_is_kept_is_none() -> None:
    """An absent entry is no error."""
    assert Backend().load() is None


@pytest.mark.parametrize("limit", [None, PART_UNITS])
@pytest.mark.parametrize("size", [1, PART_UNITS - 6, PART_UNITS - 5, 2 * PART_UNITS, 5_000])
@pytest.mark.parametrize("character", ["x", "é", ASTRAL])
def test_a_secret_of_any_length_is_kept(limit: int | None, size: int, character: str) -> None:
    """In a backend that refuses more than it can hold, whether that is known before or found out."""
    backend = Backend(holds=PART_UNITS)

    backend.save(character * size, limit=limit)

    assert backend.load() == character * size
    assert all(units(text) <= PART_UNITS for text in backend.entries.values())
    assert (len(backend.entries) == 1) == (units(character) * size + len("token=") <= PART_UNITS)


def test_a_backend_that_holds_it_gets_it_whole() -> None:
    """Splitting is only for those that refuse."""
    backend = Backend()

    backend.save(long())

    assert list(backend.entries) == [KEY]
    assert backend.log == [f"read {KEY}", f"write {KEY}"]


def test_a_known_limit_is_not_tried() -> None:
    """Some backends log what they refuse, and a refused write costs time."""
    backend = Backend(holds=PART_UNITS)

    backend.save(long(), limit=PART_UNITS)

    assert backend.log == [
        f"read {KEY}",
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


@pytest.mark.parametrize("old", ["a", long("a")])
@pytest.mark.parametrize("new", ["b", long("b")])
def test_at_every_moment_a_reader_sees_the_old_secret_or_the_new_one(old: str, new: str) -> None:
    """Also after the process was killed there."""
    seen = set()
    calls = 0

    class Killed(Exception):  # noqa: N818 - it ends the writer, as a signal would
        pass

    while True:
        backend = Backend(holds=PART_UNITS)
        backend.save(old, "g1")
        left = calls

        def killing(name: str, text: str, backend: Backend = backend) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            backend.write(name, text)

        def killing_delete(name: str, backend: Backend = backend) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            backend.delete(name)

        try:
            save(
                backend.read,
                killing,
                killing_delete,
                KEY,
                [("token", new)],
                generation="g2",
                limit=PART_UNITS,
            )
        except Killed:
            seen.add(backend.load())
            calls += 1
        else:
            seen.add(backend.load())
            break

    assert seen == {old, new}


def test_a_reader_that_meets_a_writer_reads_again() -> None:
    """The head was the old one, its parts are gone: the new head is there by then."""
    backend = Backend(holds=PART_UNITS)
    backend.save(long("a"), "g1")
    stale = [backend.entries[KEY]]
    backend.save(long("b"), "g2")

    message = load(lambda name: stale.pop() if name == KEY and stale else backend.read(name), KEY)

    assert message is not None
    assert message.get("token") == long("b")


def test_a_part_that_stays_away_is_an_error() -> None:
    """After three tries; the error names the entry and the cure."""
    backend = Backend(holds=PART_UNITS)
    backend.save(long(), "g1")
    del backend.entries[f"{KEY}#g1.2"]
    backend.log.clear()

    with pytest.raises(ProtocolError) as caught:
        backend.load()

    assert caught.value.message == f"the keyring lost a part of the secret {KEY}"
    assert caught.value.hint == "git credential-azdo setup"
    assert backend.log.count(f"read {KEY}") == 3


@pytest.mark.parametrize("call", [f"write {KEY}#g2.1", f"write {KEY}#g2.3", f"write {KEY}"])
@pytest.mark.parametrize("old", [None, "a", long("a")])
def test_a_keyring_that_fails_half_way_costs_nothing(call: str, old: str | None) -> None:
    """The old secret is still whole, and nothing of the new one stays behind."""
    backend = Backend(holds=PART_UNITS)
    if old:
        backend.save(old, "g1")
    before = dict(backend.entries)
    backend.failing[call] = VaultError("it broke")

    with pytest.raises(VaultError, match="it broke"):
        backend.save(long("b"), "g2", limit=PART_UNITS)

    assert backend.entries == before


def test_a_head_that_was_written_after_all_keeps_its_parts() -> None:
    """A keyring may write and still say that it failed, for one after a timeout."""
    backend = Backend(holds=PART_UNITS)
    backend.save("a")

    def write(name: str, text: str) -> None:
        backend.write(name, text)
        if name == KEY:
            raise VaultError("no answer")

    with pytest.raises(VaultError, match="no answer"):
        save(
            backend.read,
            write,
            backend.delete,
            KEY,
            [("token", long("b"))],
            generation="g2",
            limit=PART_UNITS,
        )

    assert backend.load() == long("b")


@pytest.mark.parametrize("secret", ["b", long("b")])
def test_a_locked_keyring_is_not_tried_in_parts(secret: str) -> None:
    """Each try may wait for a person; and a short secret was not refused for its length."""
    backend = Backend()
    backend.failing[f"write {KEY}"] = VaultLocked("locked")

    with pytest.raises(VaultLocked):
        backend.save(secret)

    assert backend.log == [f"read {KEY}", f"write {KEY}"]


def test_a_short_secret_is_refused_for_another_reason_than_its_length() -> None:
    """So that reason is the error."""
    backend = Backend(holds=5)

    with pytest.raises(VaultError, match="too long"):
        backend.save("x" * (PART_UNITS - len("token=")))

    assert backend.log == [f"read {KEY}", f"write {KEY}"]


DAMAGED = [
    "not written by us",
    "parts=x",
    "parts=-1",
    "parts=9999",
    "parts=\u0661",
    "parts=",
    "encoding=latin-1\n\u20ac=",
    "",
]


@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_damaged_entry_can_be_replaced_and_removed(damaged: str) -> None:
    """Else no new sign-in could cure it."""
    backend = Backend()
    backend.entries[KEY] = damaged

    backend.save("b")

    assert backend.load() == "b"
    backend.entries[KEY] = damaged
    remove(backend.read, backend.delete, KEY)
    assert backend.entries == {}


@pytest.mark.parametrize("where", [KEY, f"{KEY}#g1.1"])
def test_a_damaged_entry_is_named_and_not_shown(where: str) -> None:
    """With the command that makes a new one."""
    backend = Backend(holds=PART_UNITS)
    backend.save(long())
    backend.entries[where] = "hush"

    with pytest.raises(ProtocolError) as caught:
        backend.load()

    assert caught.value.message == f"the keyring's entry {KEY} is damaged"
    assert caught.value.hint == "git credential-azdo setup"
    assert caught.value.__cause__ is None


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

    remove(backend.read, backend.delete, KEY)

    assert backend.entries == {"a1/pat": "token=other"}
    assert backend.log[:2] == [f"read {KEY}", f"delete {KEY}"]


def test_parts_of_two_secrets_never_meet() -> None:
    """They are named by key and generation."""
    backend = Backend(holds=PART_UNITS)
    for key, character in (("a", "x"), ("b", "y")):
        save(
            backend.read,
            backend.write,
            backend.delete,
            key,
            [("token", long(character))],
            generation="g",
            limit=PART_UNITS,
        )

    remove(backend.read, backend.delete, "a")

    message = load(backend.read, "b")
    assert message is not None
    assert message.get("token") == long("y")


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.just(ASTRAL), max_size=60), st.integers(2, 9))
@example("", 2)
@example(ASTRAL * 3, 2)
@example("x" + ASTRAL * 3, 2)
@example("x" * 4, 2)
def test_pieces_join_to_the_whole_and_none_is_too_long(text: str, limit: int) -> None:
    """And no piece could have taken the next piece's first character."""
    pieces = split(text, limit)

    assert "".join(pieces) == text
    assert all(units(piece) <= limit for piece in pieces)
    assert all(pieces) or text == ""
    assert all(units(one + two[0]) > limit for one, two in pairwise(pieces))


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("\uffff")
@example("\U00010000")
def test_units_are_those_of_utf_16(text: str) -> None:
    """As Windows counts."""
    assert units(text) == len(text.encode("utf-16-le")) // 2


def test_a_part_is_what_windows_holds() -> None:
    """2,560 bytes (CRED_MAX_CREDENTIAL_BLOB_SIZE)."""
    assert PART_UNITS * 2 == 2_560
