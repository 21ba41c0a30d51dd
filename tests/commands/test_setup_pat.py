"""``setup pat``: how a token comes in, what is refused, what is kept, and what becomes of the one before."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import pytest

from tests.emulator import faults, tokens
from tests.emulator.default_world import ANN, BOB
from tests.support.pats import FABRIKAM_APP, give, in_vault
from tests.support.people import at, of_kind
from tests.support.terminal import Terminal
from tests.support.watch import WATCH

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.emulator.world import World


def test_a_good_token_is_checked_saved_and_returned(home: Home, emulator: Emulator) -> None:
    """Who, for which organization, until when."""
    token = emulator.world.new_pat(BOB, ["fabrikam"])
    result = give(home, f"{token}\n", "--org", "Fabrikam", "--expires", "2199-01-02", "--alias", "fab")
    assert (result.code, result.out) == (0, "")
    assert f"Signed in as {BOB} (fab)" in result.err
    assert "Organizations: fabrikam" in result.err
    answer = home.get(*FABRIKAM_APP)
    assert (answer.fields["username"], answer.fields["password"]) == (BOB, token)
    day = dt.datetime(2199, 1, 2, tzinfo=dt.timezone.utc)
    assert int(answer.fields["password_expiry_utc"]) == day.timestamp()
    assert emulator.seen("dev.azure.com/fabrikam/_apis/connectionData")
    assert emulator.seen("dev.azure.com/fabrikam/_apis/git/repositories")


def unknown(_world: World) -> str:
    """Make up a token that nobody has."""
    return tokens.new_pat()


def of_another_scope(world: World) -> str:
    """Make a token that may not read code."""
    return world.new_pat(BOB, ["fabrikam"], "vso.packaging")


def of_a_stranger(world: World) -> str:
    """Make a token of somebody who is no member."""
    return world.new_pat("kim@outlook.com", ["fabrikam"])


@pytest.mark.parametrize("make", [unknown, of_another_scope, of_a_stranger])
def test_a_token_that_the_organization_refuses_is_not_saved(
    home: Home, emulator: Emulator, make: Callable[[World], str]
) -> None:
    """One line that says why it may be, one that names the page where it can be looked at."""
    result = give(home, make(emulator.world), "--org", "fabrikam")
    error, hint = result.err.splitlines()
    assert result.code == 1
    assert error.startswith(
        "git-credential-azdo: error: the organization fabrikam does not accept this token"
    )
    assert "https://dev.azure.com/fabrikam/_usersSettings/tokens" in hint
    assert (of_kind(home, "pat"), in_vault(home)) == ([], "")
    assert not (home.folder / ".gitconfig").exists()


def test_the_anonymous_identity_of_a_public_organization_is_a_refusal(home: Home, emulator: Emulator) -> None:
    """An organization with public projects answers 200 to any token."""
    result = give(home, tokens.new_pat(), "--org", "contoso-open")
    assert [record.status for record in emulator.seen("dev.azure.com/contoso-open/_apis/connectionData")] == [
        200
    ]
    assert (result.code, of_kind(home, "pat")) == (1, [])
    assert "does not accept this token" in result.err


def test_an_id_in_place_of_a_token_is_guessed(home: Home, emulator: Emulator) -> None:
    """People copy the wrong thing."""
    result = give(home, "0f0f0f0f-1111-4222-8333-444444444444", "--org", "fabrikam")
    assert "(it looks like an id, not a token)" in result.err
    assert emulator.requests


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (faults.sign_in_page(), "does not accept this token"),
        (faults.html_page(), "error: "),
        (faults.redirect_to("https://login.example/"), "error: "),
        (faults.server_error(status=500), "error: "),
        (faults.close_connection(), "cannot reach dev.azure.com"),
        (faults.wrong_certificate(), "certificate verification failed"),
    ],
)
def test_an_answer_that_proves_nothing_keeps_nothing(
    home: Home, emulator: Emulator, fault: faults.Fault, said: str
) -> None:
    """The 203 page, a page of the network, a redirect, trouble: an error, no bug, no account."""
    emulator.refuse("dev.azure.com", fault)
    result = give(home, emulator.world.new_pat(BOB, ["fabrikam"]), "--org", "fabrikam")
    assert (result.code, of_kind(home, "pat"), in_vault(home)) == (1, [], "")
    assert said in result.err
    assert result.err.count("\n") <= 2


def test_an_alias_that_cannot_be_one_has_this_command_as_its_cure(home: Home) -> None:
    """Not a sign-in with a browser."""
    result = give(home, "", "--org", "contoso", "--alias", "a b", "--no-git-config")
    same = "git credential-azdo setup --vault file pat --org contoso --no-git-config --alias work"
    assert (result.code, result.err.splitlines()[-1]) == (1, f"git-credential-azdo: hint: {same}")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"", "no token was given"),
        (b" \n", "no token was given"),
        (b"abc\x16def", "control character"),
        (b"abc def", "contains a space"),
        (b"abc\ndef", "control character"),
        ("schlüssel".encode(), "a space or a control character"),
        (b"\xff\xfe\x80", "control character"),
        (b"x" * 8_193, "longer than any token"),
    ],
)
def test_what_cannot_be_a_token_is_refused_before_any_request(
    home: Home, emulator: Emulator, given: bytes, said: str
) -> None:
    """No request is made with it."""
    result = give(home, given, "--org", "fabrikam")
    assert (result.code, emulator.requests) == (1, [])
    assert said in result.err


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ([], 1, "missing --org, --server or --all-orgs"),
        (["--org", "x", "--expires", "2001-01-01"], 1, "the day of --expires has passed"),
        (["--org", "x", "--expires", "soon"], 2, "invalid value for '--expires': it is not a day such as"),
    ],
)
def test_options_that_do_not_fit_are_refused(home: Home, options: list[str], code: int, said: str) -> None:
    """One line and a hint."""
    result = give(home, "x", *options)
    assert (result.code, said in result.err) == (code, True), result.err


def test_the_prompt_hides_what_is_typed(home: Home, emulator: Emulator) -> None:
    """It names the page on which a token is made; the token never reaches the screen."""
    token = emulator.world.new_pat(BOB, ["fabrikam"])
    with Terminal(home, "setup", "--vault", "file", "pat", "--org", "fabrikam") as terminal:
        terminal.see("https://dev.azure.com/fabrikam/_usersSettings/tokens")
        terminal.see("Personal access token: ")
        terminal.type(f"{token}\r")
        assert terminal.ended() == 0
        assert token not in terminal.text
        assert f"Signed in as {BOB}" in terminal.text


def test_a_token_for_several_organizations_is_checked_in_each(home: Home, emulator: Emulator) -> None:
    """One that refuses it is named, and nothing is kept."""
    world = emulator.world
    token = world.new_pat(ANN, ["contoso", "contoso-labs"])
    assert "contoso, contoso-labs" in give(home, token, "--org", "contoso", "--org", "contoso-labs").err
    again = give(home, token, "--org", "contoso", "--org", "fabrikam")
    assert (again.code, "the organization fabrikam does not accept" in again.err) == (1, True)
    assert [one["name"] for one in of_kind(home, "pat")] == [ANN]


def test_a_token_for_all_organizations_comes_with_a_dated_warning(home: Home, emulator: Emulator) -> None:
    """It serves every organization, until Microsoft ends it."""
    token = emulator.world.new_pat(ANN)
    result = give(home, token, "--all-orgs")
    assert result.code == 0
    assert "1 December 2026" in result.err
    assert "hint: " in result.err
    assert "Organizations: all organizations" in result.err
    for organization in ("contoso", "fabrikam"):
        assert home.get(*at(f"{organization}/app/_git/app")).fields["password"] == token


def test_a_token_of_one_organization_is_none_for_all(home: Home, emulator: Emulator) -> None:
    """The hint says how to keep it."""
    result = give(home, emulator.world.new_pat(ANN, ["contoso"]), "--all-orgs")
    assert (result.code, of_kind(home, "pat")) == (1, [])
    assert "does not accept this token for all organizations" in result.err
    assert "setup pat --org" in result.err


def test_the_token_never_stands_on_a_command_line(home: Home, emulator: Emulator) -> None:
    """There is no option that takes it."""
    token = WATCH.remember(emulator.world.new_pat(BOB, ["fabrikam"]))
    result = home.azdo("setup", "pat", "--org", "fabrikam", "extra")
    assert result.code == 2
    assert token not in result.err
    assert not re.search(r"--(pat|token)\b[ =][A-Z<]", home.azdo("setup", "-h").out)
