"""``accounts rename``: another short name for an account, and nothing else changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN, BOB
from tests.support.people import at, bind, everything_kept, give_pat, sign_in

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account


@pytest.fixture
def ann(home: Home, emulator: Emulator) -> Account:
    """Return ann's account, called work, beside bob's token."""
    account = sign_in(home, emulator.world, ANN, "contoso", fields={"alias": "work"})
    give_pat(home, emulator.world.new_pat(BOB), BOB, "fabrikam")
    return account


@pytest.mark.parametrize("name", ["work", "WORK", ANN])
def test_an_account_gets_another_short_name(home: Home, ann: Account, name: str) -> None:
    """By its alias or its sign-in name, which stays; requests know the new one and no longer the old one."""
    result = home.azdo("accounts", "rename", name, "contoso-ann")
    assert (result.code, result.out, result.err) == (0, "Renamed work to contoso-ann\n", "")
    assert (ann.all("alias"), ann.all("name")) == (["contoso-ann"], [ANN])
    for user in ("contoso-ann", ANN):
        assert home.get(*at(username=user)).fields["password"] == ann.token()
    assert home.get(*at(username="work")).out == ""


def test_an_account_without_a_short_name_gets_one(home: Home, ann: Account) -> None:
    """Bob's has only the sign-in name."""
    assert ann.all("alias") == ["work"]
    assert home.azdo("accounts", "rename", BOB, "bobs").out == f"Renamed {BOB} to bobs\n"
    assert home.azdo("accounts", "rename", "bobs", "Bobs").out == "Renamed bobs to Bobs\n"


def test_bindings_follow_and_are_shown(home: Home, ann: Account) -> None:
    """They know the account by its id."""
    bind(home, "contoso-labs", ann)
    bind(home, "contoso/app/app", ann)
    assert home.azdo("accounts", "rename", "work", "ann").code == 0
    (row,) = [line for line in home.azdo("accounts").lines if line.startswith(f"{ANN} (ann) ")]
    assert "contoso, contoso-labs (bound), contoso/app/app (bound)" in row
    listed = json.loads(home.azdo("accounts", "--format", "json").out)
    assert [(each["alias"], each["bound_to"]) for each in listed] == [
        ("ann", ["contoso-labs", "contoso/app/app"]),
        (None, []),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["work", "two words"], "an alias is one word"),
        (["work", ""], "hint: git credential-azdo accounts rename work work\n"),
        (["work", "a@b"], "an alias is one word"),
        (["work", "a/b"], "an alias is one word"),
        (["work", BOB], "an alias is one word"),
        (["nobody", "x"], "no account is named nobody; known accounts: work, "),
        (["work"], "missing argument 'NEW_ALIAS'"),
    ],
)
def test_what_cannot_be_a_name_changes_nothing(home: Home, ann: Account, words: list[str], said: str) -> None:
    """One line and a hint."""
    kept = everything_kept(home)
    result = home.azdo("accounts", "rename", *words)
    assert result.code != 0
    assert said in result.err
    assert result.err.count("\n") == 2
    assert everything_kept(home) == kept
    assert ann.all("alias") == ["work"]


def test_another_accounts_name_is_taken(home: Home, emulator: Emulator, ann: Account) -> None:
    """Whatever its kind, in any case of letters: its alias and its id alike."""
    kim = sign_in(home, emulator.world, BOB, fields={"alias": "kim"})
    for alias in ("kim", "KIM", kim.id):
        result = home.azdo("accounts", "rename", "work", alias)
        assert (result.code, f"another account is named {alias}" in result.err) == (1, True)
    assert ann.all("alias") == ["work"]


def test_the_table_is_still_what_the_word_alone_prints(home: Home, ann: Account) -> None:
    """An unknown word after it is an error, with help at hand."""
    assert ann.all("alias") == ["work"]
    assert home.azdo("accounts").lines[0].startswith("NAME")
    result = home.azdo("accounts", "remove")
    assert (result.code, "accounts -h" in result.err) == (2, True)
    assert "rename" in home.azdo("help", "accounts").out
    assert "NEW_ALIAS" in home.azdo("help", "accounts", "rename").out
