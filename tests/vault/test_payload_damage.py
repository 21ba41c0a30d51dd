"""Entries in parts when something fails, is damaged, or changes meanwhile."""

from __future__ import annotations

import contextlib

import pytest

from git_credential_azdo.errors import ProtocolError, VaultError, VaultLocked
from git_credential_azdo.vault.payload import PART_UNITS, load, remove, save
from tests.support.memory_backend import KEY, Backend, long


@pytest.mark.parametrize("old", ["a", long("a")])
@pytest.mark.parametrize("new", ["b", long("b")])
def test_at_every_moment_a_reader_sees_the_old_secret_or_the_new_one(old: str, new: str) -> None:
    """Also after the process was killed there."""
    seen = set()

    class Killed(Exception):  # noqa: N818 - it ends the writer, as a signal would
        pass

    class Mortal(Backend):
        left = 1_000

        def _note(self, call: str) -> None:
            self.left -= not call.startswith("read")
            if self.left < 0:
                raise Killed
            super()._note(call)

    for calls in range(10):
        backend = Mortal(holds=PART_UNITS)
        backend.save(old, "g1")
        backend.left = calls
        with contextlib.suppress(Killed):
            backend.save(new, "g2")
        backend.left = 1_000
        seen.add(backend.load())

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
        backend.save(long("b"), "g2")

    assert backend.entries == before


def test_a_head_that_was_written_after_all_keeps_its_parts() -> None:
    """A keyring may write and still say that it failed, for one after a timeout."""

    class Late(Backend):
        def write(self, name: str, text: str) -> None:
            super().write(name, text)
            if text.startswith("parts="):
                raise VaultError("no answer")

    backend = Late(holds=PART_UNITS)
    backend.save("a")

    with pytest.raises(VaultError, match="no answer"):
        backend.save(long("b"), "g2")

    assert backend.load() == long("b")


@pytest.mark.parametrize("secret", ["b", long("b")])
def test_a_locked_keyring_is_not_tried_in_parts(secret: str) -> None:
    """Each try may wait for a person; and a short secret was not refused for its length."""
    backend = Backend()
    backend.failing[f"write {KEY}"] = VaultLocked("locked")

    with pytest.raises(VaultLocked):
        backend.save(secret)

    assert backend.log == [f"read {KEY}", f"write {KEY}"]


def test_a_vault_for_secrets_of_any_length_is_not_tried_in_parts() -> None:
    """The disk is full, or the keyring fails: each part would fare no better."""
    backend = Backend(holds=5)
    backend.is_unlimited = True

    with pytest.raises(VaultError, match="too long"):
        backend.save(long("b"))

    assert backend.log == [f"write {KEY}"]


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
    remove(backend, KEY)
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


def test_parts_of_two_secrets_never_meet() -> None:
    """They are named by key and generation."""
    backend = Backend(holds=PART_UNITS)
    for key, character in (("a", "x"), ("b", "y")):
        save(backend, key, [("token", long(character))], generation="g")

    remove(backend, "a")

    message = load(backend.read, "b")
    assert message is not None
    assert message.get("token") == long("y")
