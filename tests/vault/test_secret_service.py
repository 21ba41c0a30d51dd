"""The direct reader of the Secret Service: what it says, and that it reads exactly what keyring reads.

First against a bus that is made up here (jeepney writes its messages), then over real sockets, then against
gnome-keyring and KeePassXC in a private session.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jeepney import Endianness, HeaderFields  # type: ignore[import-untyped]

from git_credential_azdo.errors import VaultLocked
from git_credential_azdo.vault import dbus
from git_credential_azdo.vault.secret_service import Unsupported, lookup
from tests.support.made_up_bus import (
    GOOD,
    LOGIN,
    OK,
    READING,
    SESSION,
    MadeUpBus,
    Response,
    a_secret,
    keyring_backend,
    talk,
)

if TYPE_CHECKING:
    from typing import Any


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
    sent: list[bytes] = []

    def exchange(outgoing: bytes) -> bytes:
        sent.append(outgoing)
        if len(sent) > 1:
            raise Unsupported("enough")
        return OK

    with pytest.raises(Unsupported):
        lookup("service", "username", 1000, exchange)
    assert sent[0] == b"\0AUTH EXTERNAL 31303030\r\n"
    assert sent[1].startswith(b"BEGIN\r\nl\1")


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
    with pytest.raises(ValueError):  # noqa: PT011 - any of them is Unsupported to read's caller
        lookup(*names, 1000, MadeUpBus().take)


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
