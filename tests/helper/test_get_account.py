"""Which account ``get`` answers with, and what it says when none or several fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN, BOB, CONTOSO, FABRIKAM
from tests.support.people import add_block, at, bind, challenge, sign_in

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account

OPEN = "contoso-labs/app/_git/app"


@pytest.fixture
def ann(home: Home, emulator: Emulator) -> Account:
    """Return ann's account, signed in a moment ago."""
    return sign_in(home, emulator.world, ANN, "contoso", "contoso-labs")


@pytest.mark.parametrize("user", [ANN, ANN.upper(), "work", "Work"])
def test_a_named_user_is_found_by_name_or_alias_in_any_case(
    home: Home, emulator: Emulator, user: str
) -> None:
    """The user that git knows already is not sent again."""
    ann = sign_in(home, emulator.world, ANN, "contoso", fields={"alias": "work"})
    sign_in(home, emulator.world, BOB, "contoso", tenant=FABRIKAM, fields={"default": "1"})
    fields = home.get(*at(username=user)).fields
    assert (fields["password"], "username" in fields) == (ann.token(), False)


def test_bindings_come_before_lists_and_lists_before_the_default(home: Home, emulator: Emulator) -> None:
    """The repository's binding, the organization's, the account that lists it, the default."""
    world = emulator.world
    listing = sign_in(home, world, ANN, "contoso")
    default = sign_in(home, world, BOB, tenant=FABRIKAM, fields={"default": "1"})
    assert home.get(*at()).fields["password"] == listing.token()
    assert home.get(*at(None)).fields["password"] == default.token(FABRIKAM)
    bind(home, "contoso", default)
    add_block(home, ("kind", "learned"), ("organization", "contoso"), ("tenant", FABRIKAM))
    assert home.get(*at(), *challenge(FABRIKAM)).fields["password"] == default.token(FABRIKAM)
    bind(home, "contoso/app/app", listing)
    assert home.get(*at(), *challenge(CONTOSO)).fields["password"] == listing.token()
    assert home.get(*at("contoso/app/_git/app.git/info/lfs"), *challenge(CONTOSO)).fields["username"] == ANN
    assert home.get(*at(username=BOB), *challenge(FABRIKAM)).fields["password"] == default.token(FABRIKAM)


def test_the_organizations_tenant_chooses_among_accounts_that_do_not_list_it(
    home: Home, emulator: Emulator
) -> None:
    """Neither account lists the organization; the tenant that git passes on tells them apart."""
    sign_in(home, emulator.world, ANN)
    bob = sign_in(home, emulator.world, BOB, tenant=FABRIKAM)
    result = home.get(*at("fabrikam/app/_git/app"), *challenge(FABRIKAM))
    assert (result.fields["username"], result.fields["password"]) == (BOB, bob.token(FABRIKAM))


@pytest.mark.parametrize("default", ["0", "1"])
def test_an_older_git_has_the_tenant_asked_for_before_an_account_is_chosen(
    home: Home, emulator: Emulator, default: str
) -> None:
    """With or without a default account the answer is the same as with a newer git; one question, no credential."""
    sign_in(home, emulator.world, ANN, fields={"default": default})
    bob = sign_in(home, emulator.world, BOB, tenant=FABRIKAM)
    result = home.get(*at("fabrikam/app/_git/app"))
    assert (result.fields["username"], result.fields["password"]) == (BOB, bob.token(FABRIKAM))
    assert [(record.method, record.header("Authorization")) for record in emulator.requests] == [
        ("HEAD", None)
    ]


def test_accounts_that_fit_equally_are_named_with_the_commands_that_settle_it(
    home: Home, emulator: Emulator
) -> None:
    """Nothing is guessed, git is told to stop."""
    other = emulator.world.add_person("abe@contoso.com", "Abe Example", CONTOSO).name
    for person in (ANN, other):
        sign_in(home, emulator.world, person, "contoso")
    result = home.get(*at())
    assert (result.out, result.code, emulator.requests) == ("quit=1\n", 0, [])
    assert f"error: several accounts match the organization contoso: {ANN}, {other}\n" in result.err
    assert f"hint: git credential-azdo use {ANN} --org contoso\n" in result.err
    assert f"hint: git credential-azdo use {other} --org contoso\n" in result.err


def test_without_a_path_the_cure_is_to_let_git_send_it(home: Home, emulator: Emulator) -> None:
    """Which organization is meant cannot be known."""
    for person, tenant in ((ANN, CONTOSO), (BOB, FABRIKAM)):
        sign_in(home, emulator.world, person, tenant=tenant)
    result = home.get(*at(None))
    assert result.out == "quit=1\n"
    assert ": git credential-azdo configure\n" in result.err


@pytest.mark.usefixtures("ann")
def test_a_token_in_the_users_place_is_never_printed(home: Home, emulator: Emulator) -> None:
    """People write https://TOKEN@dev.azure.com; the watch on secrets reads what is printed."""
    token = emulator.world.new_pat(ANN, ["contoso"])
    result = home.get(*at(username=token))
    assert (result.out, result.code) == ("", 0)
    assert "what looks like a token where git expects a user; known accounts: ann@contoso.com" in result.err


def test_an_unknown_user_gets_no_other_accounts_token(home: Home, ann: Account) -> None:
    """The named user is honoured: one error line with who is known, a hint line for each way out; git may ask the person."""
    assert ann.token()
    result = home.get(*at(username="eve@contoso.com"))
    assert (result.out, result.code) == ("", 0)
    assert result.err == (
        f"git-credential-azdo: error: no account is named eve@contoso.com; known accounts: {ANN}\n"
        "git-credential-azdo: hint: git credential-azdo setup --org contoso --login-hint eve@contoso.com\n"
        "git-credential-azdo: hint: the address names that user: use https://dev.azure.com/contoso/app/_git/app\n"
    )


def test_with_no_account_there_is_one_hint_line_and_no_answer(file_home: Home) -> None:
    """git goes on to ask; the file is named, since an editor in a sandbox has a home of its own."""
    result = file_home.get(*at())
    assert (result.out, result.code) == ("", 0)
    assert result.err == (
        f"git-credential-azdo: hint: there is no account in {file_home.accounts_file}:"
        " git credential-azdo setup --org contoso\n"
    )


def test_two_hundred_accounts_are_distinguished(home: Home, ann: Account) -> None:
    """The one that lists the organization answers."""
    for number in range(200):
        add_block(
            home, ("kind", "pat"), ("id", f"x{number}"), ("name", f"p{number}"), ("org[]", f"o{number}")
        )
    assert home.get(*at()).fields["password"] == ann.token()
