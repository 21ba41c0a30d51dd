"""``pat list`` and ``pat revoke``: what lives, what is named, what is forgotten, and what is no name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.emulator import faults, tokens
from tests.emulator.default_world import ANN, BOB
from tests.support.pats import API, living
from tests.support.people import at, of_kind
from tests.support.running import Begun

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator


def test_a_list_shows_what_lives(signed_in: Home, emulator: Emulator) -> None:
    """Of one organization or of all; which is kept here, and as which account; never a secret."""
    world = emulator.world
    assert signed_in.azdo("pat", "create", "--org", "contoso", "--name", "mine").code == 0
    world.new_pat(ANN, ["contoso-labs"], "app_token")
    world.new_pat(ANN)
    world.new_pat(BOB, ["contoso"])
    world.revoke(world.new_pat(ANN, ["contoso"]))
    one = signed_in.azdo("pat", "list", "--org", "contoso")
    head, *rows = one.out.splitlines()
    assert (one.code, one.err) == (0, "")
    assert head.split() == ["ID", "NAME", "ORGANIZATION", "SCOPE", "ENDS", "ACCOUNT"]
    assert [row.split()[0] for row in rows] == [world.pats[0].id, world.pats[2].id]
    assert rows[0].split()[1:] == [
        "mine",
        "contoso",
        "vso.code_write",
        f"{world.pats[0].expires:%Y-%m-%d}",
        f"{ANN}/pat",
    ]
    assert "all" in rows[1].split()
    every = json.loads(signed_in.azdo("pat", "list", "--format", "json").out)
    assert [each["id"] for each in every] == [world.pats[index].id for index in (0, 2, 1)]
    assert [each["organization"] for each in every] == ["contoso", "all", "contoso-labs"]
    assert every[2]["scope"] == "full access"
    assert every[2]["account"] is None


def test_one_organization_that_fails_does_not_hide_the_others(signed_in: Home, emulator: Emulator) -> None:
    """Exit code 1, and what could be had."""
    emulator.world.new_pat(ANN, ["contoso-labs"])
    emulator.refuse(API, faults.server_error(status=500))
    result = signed_in.azdo("pat", "list")
    assert (result.code, result.out.count("\n")) == (1, 2)
    assert "the organization contoso answered with status 500" in result.err


def test_an_empty_list_says_so(signed_in: Home) -> None:
    """And without an account that lists anything, how to ask."""
    line = "hint: no active personal access token was found"
    assert line in signed_in.azdo("pat", "list", "--org", "contoso").err
    signed_in.accounts_file.unlink()
    result = signed_in.azdo("pat", "list")
    assert (result.code, "hint: git credential-azdo setup\n" in result.err) == (1, True)


@pytest.mark.parametrize("how", ["id", "name"])
def test_a_token_is_revoked_and_forgotten(signed_in: Home, emulator: Emulator, how: str) -> None:
    """By id or by name, in any case; git goes back to the sign-in."""
    assert signed_in.azdo("pat", "create", "--org", "contoso", "--name", "Mine").code == 0
    (made,) = living(emulator)
    result = signed_in.azdo("pat", "revoke", made.id.upper() if how == "id" else "mine", "--org", "contoso")
    assert (result.code, result.err) == (0, "Revoked Mine; its account is removed\n")
    assert (living(emulator), of_kind(signed_in, "pat")) == ([], [])
    assert made.token not in "".join(
        path.read_text() for path in signed_in.accounts_file.parent.rglob("*") if path.is_file()
    )
    assert "binding" not in signed_in.accounts_file.read_text()
    assert signed_in.get(*at()).fields["password"] != made.token


def test_a_token_that_is_not_saved_here_is_revoked_all_the_same(signed_in: Home, emulator: Emulator) -> None:
    """Whatever made it."""
    token = emulator.world.new_pat(ANN, ["contoso"])
    pat = emulator.world.find_pat(token)
    assert pat
    result = signed_in.azdo("pat", "revoke", pat.id, "--org", "contoso")
    assert (result.code, result.err, pat.revoked) == (0, "Revoked made by the test\n", True)


def test_a_name_that_several_have_needs_an_id(signed_in: Home, emulator: Emulator) -> None:
    """Nothing is revoked on a guess."""
    for _ in range(2):
        emulator.world.new_pat(ANN, ["contoso"])
    result = signed_in.azdo("pat", "revoke", "made by the test", "--org", "contoso")
    assert (result.code, len(living(emulator))) == (1, 2)
    assert all(pat.id in result.err for pat in living(emulator))


def test_a_name_without_a_token_is_an_error(signed_in: Home, emulator: Emulator) -> None:
    """With the command that lists them; another person's is nobody's."""
    emulator.world.new_pat(BOB, ["contoso"])
    result = signed_in.azdo("pat", "revoke", "made by the test", "--org", "contoso")
    assert (result.code, len(living(emulator))) == (1, 1)
    assert "hint: git credential-azdo pat list --org contoso" in result.err


def test_a_token_of_ours_that_is_over_can_still_be_forgotten(signed_in: Home, emulator: Emulator) -> None:
    """Revoked on the web page, it is no longer listed."""
    assert signed_in.azdo("pat", "create", "--org", "contoso").code == 0
    (made,) = living(emulator)
    made.revoked = True
    result = signed_in.azdo("pat", "revoke", made.id, "--org", "contoso")
    assert (result.code, of_kind(signed_in, "pat")) == (0, [])
    assert result.err == "The token was revoked or expired before; its account is removed\n"


def test_a_token_that_is_about_to_be_saved_is_not_called_left(signed_in: Home, emulator: Emulator) -> None:
    """The list waits for the run that makes it to end."""
    hang = faults.hang(1)
    emulator.refuse("dev.azure.com/contoso/_apis/git", hang)
    create = Begun(signed_in, "pat", "create", "--org", "contoso")
    assert hang.arrived.wait(30)
    listed = Begun(signed_in, "pat", "list", "--org", "contoso")
    rows = [listed.out.readline(), listed.out.readline()]
    hang.released.set()
    assert (create.ended()[0], listed.ended()) == (0, (0, b"", b""))
    assert living(emulator)[0].id.encode() in rows[1]


def test_a_token_in_the_place_of_a_name_is_not_sent(signed_in: Home, emulator: Emulator) -> None:
    """Nor repeated."""
    result = signed_in.azdo("pat", "create", "--org", "contoso", "--name", tokens.new_pat())
    assert (result.code, emulator.requests) == (1, [])
    assert "--name is the token's name, not a token" in result.err
