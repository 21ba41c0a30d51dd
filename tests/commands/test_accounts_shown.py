"""``accounts`` for people: names that tell accounts apart, layouts that fit the terminal, and another short name."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN, BOB, CONTOSO
from tests.support.pats import in_vault
from tests.support.people import at, bind, everything_saved, give_pat, sign_in
from tests.support.terminal import Terminal
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account


def names(file_home: Home) -> list[str]:
    """Return the names of ``accounts --format json``."""
    return [row["name"] for row in json.loads(file_home.azdo("accounts", "--format", "json").out)]


def test_accounts_of_one_person_are_distinguished_by_kind_and_organization(
    file_home: Home, emulator: Emulator
) -> None:
    """Each of these names works where an account is named, and none is an id."""
    sign_in(file_home, emulator.world, ANN, "contoso")
    give_pat(file_home, emulator.world.new_pat(ANN), ANN, "contoso-labs")
    give_pat(file_home, emulator.world.new_pat(ANN), ANN, "contoso")
    assert names(file_home) == [f"{ANN}/oauth", f"{ANN}/contoso-labs", f"{ANN}/pat/contoso"]
    for name in names(file_home):
        assert file_home.azdo("use", name, "--default").code == 0
    assert file_home.azdo("pat", "list", "--org", "contoso", "--account", f"{ANN}/oauth").code == 0
    assert file_home.azdo("token", "--org", "contoso-labs", "--account", f"{ANN}/contoso-labs").code == 0


def test_an_alias_does_not_hide_whose_account_it_is(file_home: Home, emulator: Emulator) -> None:
    """The table and what logout says have both."""
    sign_in(file_home, emulator.world, ANN, "contoso", fields={"alias": "work"})
    assert file_home.azdo("accounts").lines[1].startswith(f"{ANN} (work) ")
    assert file_home.azdo("logout", "work").out == f"{ANN} (work) is removed\n"


@pytest.fixture
def stored(file_home: Home) -> list[str]:
    """Let git store two credentials; return their URLs."""
    assert file_home.azdo("server", "add", "https://tfs.example.com", "--no-git-config").code == 0
    for lines in (
        at("contoso/app/_git/app", username="ann"),
        ["protocol=https", "host=tfs.example.com", "username=bob"],
    ):
        assert file_home.store(*lines, f"password={new_password()}").err == ""
    return ["https://bob@tfs.example.com", "https://ann@dev.azure.com/contoso"]


def test_stored_credentials_are_listed_explained_and_removed(file_home: Home, stored: list[str]) -> None:
    """Each by its URL; nothing of them stays in the vault."""
    assert names(file_home) == stored
    line = "https://ann@dev.azure.com/contoso"
    assert line in file_home.azdo("explain", "https://dev.azure.com/contoso/app/_git/app").out
    assert file_home.azdo("logout", stored[1]).out == f"{stored[1]} is removed\n"
    assert names(file_home) == stored[:1]
    assert file_home.azdo("logout", "--all").lines == [f"{stored[0]} is removed"]
    assert in_vault(file_home) == ""


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize("width", [150, 100, 80, 40])
def test_the_list_fits_the_terminal(home: Home, emulator: Emulator, width: int) -> None:
    """All columns, those without the tenant, or each account in a few lines; a pipe is as wide as it needs."""
    sign_in(home, emulator.world, ANN, "contoso", "contoso-labs", "contoso-open", fields={"default": "1"})
    give_pat(home, emulator.world.new_pat(BOB), BOB, "fabrikam")
    with Terminal(home, "accounts", COLUMNS=str(width)) as terminal:
        assert terminal.ended() == 0
        lines = terminal.text.splitlines()
    assert max(map(len, lines)) <= width
    assert ("TENANT" in lines[0], "NAME" in lines[0]) == (width > 100, width > 80)
    shown = " ".join(" ".join(lines).split())
    for word in (f"{ANN} (default)", "contoso, contoso-labs, contoso-open", "ready", BOB, "fabrikam"):
        assert word in shown
    assert CONTOSO in home.azdo("accounts", COLUMNS=str(width)).out


# --- ``accounts rename``


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


@pytest.mark.usefixtures("ann")
def test_an_account_without_a_short_name_gets_one(home: Home) -> None:
    """Bob's has only the sign-in name."""
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
    saved = everything_saved(home)
    result = home.azdo("accounts", "rename", *words)
    assert result.code != 0
    assert said in result.err
    assert result.err.count("\n") == 2
    assert everything_saved(home) == saved
    assert ann.all("alias") == ["work"]


def test_another_accounts_name_is_taken(home: Home, emulator: Emulator, ann: Account) -> None:
    """Whatever its kind, in any case of letters: its alias and its id alike."""
    kim = sign_in(home, emulator.world, BOB, fields={"alias": "kim"})
    for alias in ("kim", "KIM", kim.id):
        result = home.azdo("accounts", "rename", "work", alias)
        assert (result.code, f"another account is named {alias}" in result.err) == (1, True)
    assert ann.all("alias") == ["work"]


@pytest.mark.usefixtures("ann")
def test_the_table_is_still_what_the_word_alone_prints(home: Home) -> None:
    """An unknown word after it is an error, with help at hand."""
    assert home.azdo("accounts").lines[0].startswith("NAME")
    result = home.azdo("accounts", "remove")
    assert (result.code, "accounts -h" in result.err) == (2, True)
    assert "rename" in home.azdo("help", "accounts").out
    assert "NEW_ALIAS" in home.azdo("help", "accounts", "rename").out
