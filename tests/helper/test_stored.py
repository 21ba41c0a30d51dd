"""Credentials that a person typed to git for Azure DevOps Services: kept where no account of ours serves.

The same for servers of one's own is in test_git_contract.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN, BOB, CONTOSO
from tests.support.people import at, everything_saved, give_pat, of_kind, sign_in, vault_of
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

APP = "contoso/app/_git/app"
ELSEWHERE = at("fabrikam/app/_git/app")


@pytest.fixture
def password() -> str:
    """Return what a person typed."""
    return new_password(52)


SPELLINGS = [
    at(APP),
    at("contoso/other/_git/repository"),
    at(APP, username="contoso"),
    at(None, username="contoso"),
    at(None),
    at("app/_git/app", "contoso.visualstudio.com"),
    at(None, "contoso.visualstudio.com"),
]


@pytest.mark.parametrize(
    ("stored", "user"),
    [(at(APP), "ann"), (at(None, "contoso.visualstudio.com"), "ann"), (at(None), "contoso")],
)
def test_it_is_saved_for_the_organization_in_every_spelling(
    file_home: Home, password: str, stored: list[str], user: str
) -> None:
    """Whatever repository, host spelling or user form it was typed for, and is asked for."""
    assert file_home.store(*stored, f"username={user}", f"password={password}").err == ""
    for lines in SPELLINGS:
        result = file_home.get(*lines)
        named = [] if "username=contoso" in lines else [f"username={user}"]
        assert (result.lines, result.err) == ([*named, f"password={password}"], "")


def test_it_serves_no_other_organization_and_no_other_user(file_home: Home, password: str) -> None:
    """Each gets its hint line and no answer."""
    file_home.store(*at(APP, username="ann", password=password))
    other = file_home.get(*ELSEWHERE)
    assert (other.out, other.err.count("\n")) == ("", 1)
    named = file_home.get(*at(APP, username="eve"))
    assert named.out == ""
    assert "error: no account is named eve\n" in named.err
    assert file_home.get(*at(APP, username="ANN")).fields == {"password": password}


def test_without_a_path_two_organizations_are_not_guessed_between(file_home: Home, password: str) -> None:
    """Their passwords differ, and git cannot say which is meant."""
    other = new_password()
    file_home.store(*at(APP, username="ann", password=password))
    assert file_home.get(*at(None)).fields["password"] == password
    file_home.store(*ELSEWHERE, "username=ann", f"password={other}")
    result = file_home.get(*at(None))
    assert result.out == ""
    assert "stored credentials of several organizations match" in result.err
    assert file_home.get(*at(None, username="fabrikam")).fields["password"] == other


def test_it_never_beats_an_account(file_home: Home, emulator: Emulator, password: str) -> None:
    """The account was set up later and answers from then on; the typed one serves its own user still."""
    file_home.store(*at(APP, username="old", password=password))
    ann = sign_in(file_home, emulator.world, ANN, "contoso")
    assert file_home.get(*at(APP)).fields["password"] == ann.token()
    assert file_home.get(*at(APP, username="old")).fields == {"password": password}


@pytest.mark.parametrize("user", ["x", "contoso", ANN, BOB])
@pytest.mark.parametrize("lines", [at(APP), at(None), at(None, "contoso.visualstudio.com")], ids=" ".join)
def test_where_an_account_serves_a_secret_from_elsewhere_is_ignored(
    home: Home, emulator: Emulator, password: str, user: str, lines: list[str]
) -> None:
    """It is another helper's, whatever user it carries."""
    sign_in(home, emulator.world, ANN, "contoso")
    before = everything_saved(home)
    result = home.store(*lines, f"username={user}", f"password={password}")
    assert (result.out, result.err, result.code) == ("", "", 0)
    assert everything_saved(home) == before


def test_where_several_accounts_fit_it_is_ignored_too(home: Home, emulator: Emulator, password: str) -> None:
    """One of them is meant."""
    other = emulator.world.add_person("abe@contoso.com", "Abe Example", CONTOSO).name
    sign_in(home, emulator.world, ANN)
    sign_in(home, emulator.world, other)
    before = everything_saved(home)
    assert home.store(*at(APP, username="x", password=password)).err == ""
    assert everything_saved(home) == before


def test_a_token_of_another_organization_does_not_stand_in_its_way(
    home: Home, emulator: Emulator, password: str
) -> None:
    """A PAT serves only what it lists: elsewhere a stored credential is kept and answered."""
    give_pat(home, emulator.world.new_pat(BOB), BOB, "fabrikam")
    home.store(*at(APP, username="ann", password=password))
    assert home.get(*at(APP)).fields["password"] == password


def test_storing_it_again_changes_nothing(file_home: Home, password: str) -> None:
    """Git says ``store`` after every fetch; a new password replaces the old one."""
    lines = at(APP, username="ann")
    file_home.store(*lines, f"password={password}")
    before = everything_saved(file_home)
    file_home.store(*lines, f"password={password}")
    assert everything_saved(file_home) == before
    changed = new_password()
    file_home.store(*lines, f"password={changed}")
    assert file_home.get(*at(APP)).fields["password"] == changed
    file_home.store(*lines, f"password={changed}", "password_expiry_utc=9999999999")
    assert file_home.get(*at(APP)).fields["password_expiry_utc"] == "9999999999"
    assert len(of_kind(file_home, "typed")) == 1


@pytest.mark.parametrize(
    "extra",
    [["ephemeral=1"], ["password_expiry_utc=5"], ["password_expiry_utc=1700000000"]],
    ids=["ephemeral", "over", "over since 2023"],
)
def test_what_does_not_last_is_not_saved(file_home: Home, password: str, extra: list[str]) -> None:
    """It could never be answered."""
    before = everything_saved(file_home)
    assert file_home.store(*at(APP, username="ann", password=password), *extra).err == ""
    assert everything_saved(file_home) == before


@pytest.mark.parametrize("lines", [["username=ann"], ["password=@"], ["authtype=Bearer"]])
def test_half_a_credential_is_not_saved(file_home: Home, lines: list[str]) -> None:
    """Neither a user nor a secret alone is one."""
    before = everything_saved(file_home)
    assert file_home.store(*at(APP), *lines).err == ""
    assert everything_saved(file_home) == before


def test_an_end_beyond_reason_is_saved_as_none(file_home: Home, password: str) -> None:
    """A number of thousands of digits is no point in time."""
    file_home.store(*at(APP, username="ann", password=password), "password_expiry_utc=" + "9" * 5_000)
    assert file_home.get(*at(APP)).fields["password"] == password


def test_after_its_end_it_is_as_if_it_were_not_there(file_home: Home, password: str) -> None:
    """The hint line comes back, and git asks."""
    file_home.store(
        *at(APP, username="ann", password=password), f"password_expiry_utc={int(time.time()) + 900}"
    )
    assert file_home.get(*at(APP)).fields["password"] == password
    text = file_home.accounts_file.read_text()
    file_home.write_accounts_file(text.replace("expires_utc=", "expires_utc=1\nwas="))
    result = file_home.get(*at(APP))
    assert (result.out, result.err.count("\n")) == ("", 1)
    assert "git credential-azdo setup --org contoso" in result.err


def test_one_that_left_the_vault_is_as_if_it_were_not_there(file_home: Home, password: str) -> None:
    """Somebody cleared the keyring; erasing it with its password is no error."""
    file_home.store(*at(APP, username="ann", password=password))
    for file in vault_of(file_home).rglob("typed"):
        file.unlink()
    result = file_home.get(*at(APP))
    assert (result.out, result.err.count("\n")) == ("", 1)
    assert file_home.erase(*at(APP, username="ann", password=password)).err == ""
    assert file_home.erase(*at(APP)).err == ""
    assert not of_kind(file_home, "typed")


def test_a_refused_one_is_removed_if_the_password_is_the_same(file_home: Home, password: str) -> None:
    """As git's own helpers do: another password's refusal leaves it, no password removes it."""
    for _ in range(2):
        file_home.store(*at(APP, username="ann", password=password))
        assert file_home.erase(*at(APP, username="ann", password=new_password())).err == ""
        assert file_home.get(*at(APP)).fields["password"] == password
        assert file_home.erase(*at(None, "contoso.visualstudio.com"), f"password={password}").err == ""
        assert file_home.get(*at(APP)).out == ""
    file_home.store(*at(APP, username="ann", password=password))
    assert file_home.erase(*ELSEWHERE).err == ""
    assert file_home.get(*at(APP)).fields["password"] == password
    assert file_home.erase(*at(APP)).err == ""
    assert file_home.get(*at(APP)).out == ""
    assert not [path for path in vault_of(file_home).rglob("*") if path.is_file()]


def test_a_header_credential_goes_only_to_a_git_that_knows_them(file_home: Home, password: str) -> None:
    """``authtype`` and ``credential`` together, for git 2.46 and newer."""
    file_home.store("capability[]=authtype", *at(APP), "authtype=Bearer", f"credential={password}")
    answer = file_home.get("capability[]=authtype", *at(APP))
    assert answer.lines == ["capability[]=authtype", "authtype=Bearer", f"credential={password}"]
    older = file_home.get(*at(APP))
    assert (older.out, older.err.count("\n")) == ("", 1)
    assert file_home.erase(*at(APP), "authtype=Bearer", f"credential={password}").err == ""
    assert file_home.get("capability[]=authtype", *at(APP)).out == ""
