"""``setup --replace-global-pat``: from one token for all organizations to one for each, by sign-in or by prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.accounts.registry import read
from tests.emulator.default_world import ANN, BOB
from tests.people import Account, at, bind, give_pat, sign_in
from tests.terminal import Here, Terminal

if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Block
    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator
    from tests.emulator.model import Pat

REPLACE = ("setup", "--replace-global-pat")
ALL = ["contoso", "contoso-labs", "fabrikam"]
PROMPT = "Personal access token .Enter to leave it out.: "


@pytest.fixture
def here(home: Home, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """Return a home whose commands run in this process, with nobody in front."""
    return Here.of(home, monkeypatch, capfd)


@pytest.fixture
def wide(home: Home, emulator: Emulator) -> Account:
    """Put ann's token for all organizations in place; of fabrikam, where she is a guest, only a binding tells."""
    account = give_pat(home, emulator.world.new_pat(ANN), ANN, "*")
    bind(home, "fabrikam", account)
    return account


def accounts(home: Home) -> list[Block]:
    """Return the registry's PAT accounts."""
    found = read(home.registry.read_bytes()).of_kind("pat")
    return sorted(found, key=lambda block: block.get("org[]"))


def made(emulator: Emulator) -> dict[str, Pat]:
    """Return the living tokens of one organization, by its name."""
    return {
        name: pat
        for pat in emulator.world.pats
        if pat.organizations is not None and not pat.revoked
        for name in pat.organizations
    }


def replaced(home: Home, emulator: Emulator, result: Result) -> None:
    """See that each of ann's organizations has a token of its own, and that the wide one is gone from here."""
    assert result.code == 0, result.err
    assert [block.all("org[]") for block in accounts(home)] == [[name] for name in ALL]
    assert sorted(made(emulator)) == ALL
    for name, pat in made(emulator).items():
        assert home.get(*at(f"{name}/app/_git/app")).fields["password"] == pat.token
    secrets = "".join(path.read_text() for path in home.registry.parent.rglob("*") if path.is_file())
    assert emulator.world.pats[0].token not in secrets


def test_each_organization_gets_a_token_by_sign_in(
    home: Home, here: Here, emulator: Emulator, wide: Account
) -> None:
    """The service lists the organizations; without anybody there, the wide one is not revoked."""
    sign_in(home, emulator.world, ANN)
    result = here.azdo(*REPLACE)
    replaced(home, emulator, result)
    assert f"One token for each of: contoso, contoso-labs, fabrikam (now one of {ANN} for all)" in result.err
    assert (
        "hint: if nothing else uses the old token, revoke it: https://dev.azure.com/contoso/_usersSettings/tokens"
        in result.err
    )
    assert "The token for all organizations is forgotten here" in result.err
    assert not emulator.world.pats[0].revoked
    assert wide.id not in home.registry.read_text()


@pytest.mark.usefixtures("wide")
def test_after_its_end_the_organizations_known_here_are_taken(
    home: Home, here: Here, emulator: Emulator
) -> None:
    """Of the person's sign-in and of the bindings; the token itself can no longer be asked."""
    emulator.world.pats[0].revoked = True
    sign_in(home, emulator.world, ANN, "contoso", "contoso-labs")
    result = here.azdo(*REPLACE)
    assert "hint: the token itself can no longer tell its organizations" in result.err
    assert result.code == 0
    assert sorted(made(emulator)) == ALL


def test_bindings_alias_and_default_pass_on(
    home: Home, here: Here, emulator: Emulator, wide: Account
) -> None:
    """An alias in a repository's address goes on to mean the token of that organization."""
    wide.set_all("alias", ["work"])
    bind(home, "contoso/app/app", wide)
    sign_in(home, emulator.world, ANN)
    replaced(home, emulator, here.azdo(*REPLACE))
    tokens = made(emulator)
    assert {block.get("alias") for block in accounts(home)} == {"work"}
    for name in ALL:
        answer = home.get(*at(f"{name}/app/_git/app", username="work")).fields
        assert answer["password"] == tokens[name].token
    registry = read(home.registry.read_bytes())
    by_id = {account.id: account.organizations for account in registry.accounts}
    assert by_id[registry.binding("contoso/app/app") or ""] == ["contoso"]
    assert by_id[registry.binding("fabrikam") or ""] == ["fabrikam"]


def test_the_only_successor_is_the_default(home: Home, here: Here, emulator: Emulator, wide: Account) -> None:
    """Where git sends no path, one token can still serve."""
    wide.set_all("default", ["1"])
    sign_in(home, emulator.world, ANN)
    assert here.azdo(*REPLACE, "--org", "contoso").code == 0
    assert [block.get("default") for block in accounts(home)] == ["1"]
    assert home.get(*at(None)).fields["password"] == made(emulator)["contoso"].token


@pytest.mark.usefixtures("wide")
def test_nothing_is_made_twice(home: Home, here: Here, emulator: Emulator) -> None:
    """What has a token of its own keeps it, so that the command can be run again after a failure."""
    own = emulator.world.new_pat(ANN, ["contoso"])
    give_pat(home, own, ANN, "contoso")
    sign_in(home, emulator.world, ANN)
    emulator.world.organizations["fabrikam"].policies.pat_error = "accessDenied"
    result = here.azdo(*REPLACE)
    assert result.code == 1
    assert "error: fabrikam: this account may not manage tokens in fabrikam (accessDenied)" in result.err
    assert (
        "error: no token of its own yet: fabrikam; the one for all organizations stays here until then"
        in result.err
    )
    assert "hint: git credential-azdo setup --pat --org fabrikam, then " in result.err
    assert home.get(*at("fabrikam/app/_git/app")).fields["password"] == emulator.world.pats[0].token
    emulator.world.organizations["fabrikam"].policies.pat_error = "none"
    again = here.azdo(*REPLACE)
    assert "contoso: has a token of its own already" in again.err
    replaced(home, emulator, again)
    assert made(emulator)["contoso"].token == own


@pytest.mark.usefixtures("wide")
def test_an_expired_token_of_its_own_does_not_count(home: Home, here: Here, emulator: Emulator) -> None:
    """It is replaced, too."""
    give_pat(home, emulator.world.new_pat(ANN, ["contoso"]), ANN, "contoso", expires_in=-1)
    sign_in(home, emulator.world, ANN)
    assert here.azdo(*REPLACE, "--org", "contoso").code == 0
    assert home.get(*at()).fields["password"] == made(emulator)["contoso"].token


def test_another_persons_sign_in_makes_nothing(
    home: Home, here: Here, emulator: Emulator, wide: Account
) -> None:
    """Nobody becomes somebody else."""
    sign_in(home, emulator.world, BOB, "contoso")
    result = here.azdo(*REPLACE, "--org", "contoso")
    assert (result.code, made(emulator)) == (1, {})
    assert f"error: contoso: no sign-in of {ANN} can make a token" in result.err
    assert wide.id in home.registry.read_text()


def test_without_a_token_for_all_there_is_nothing_to_do(home: Home, here: Here, emulator: Emulator) -> None:
    """Not an error: it may have been done already."""
    give_pat(home, emulator.world.new_pat(ANN, ["contoso"]), ANN, "contoso")
    result = here.azdo(*REPLACE)
    assert (result.code, emulator.requests) == (0, [])
    assert "nothing to replace" in result.err


def test_without_a_known_organization_the_person_names_them(
    home: Home, here: Here, emulator: Emulator
) -> None:
    """Nothing is guessed."""
    wide = give_pat(home, emulator.world.new_pat(BOB), ANN, "*")
    emulator.world.pats[0].revoked = True
    result = here.azdo(*REPLACE)
    assert result.code == 1
    assert f"error: which organizations does the token of {ANN} serve?" in result.err
    assert "hint: git credential-azdo setup --replace-global-pat --org ORG" in result.err
    assert wide.id in home.registry.read_text()


@pytest.mark.parametrize(
    "more", [("--pat",), ("--alias", "x"), ("--tenant", "x"), ("--vault", "file"), ("--azure-cli",)]
)
def test_it_goes_with_organizations_only(here: Here, emulator: Emulator, more: tuple[str, ...]) -> None:
    """The new tokens are kept where the old one is."""
    result = here.azdo(*REPLACE, *more)
    assert (result.code, emulator.requests) == (1, [])
    assert "--replace-global-pat goes with --org only" in result.err


def test_a_person_types_what_cannot_be_made(home: Home, emulator: Emulator, wide: Account) -> None:
    """Each organization's page, a hidden prompt; Enter alone leaves one out, and then the wide one stays."""
    world = emulator.world
    with Terminal(home, *REPLACE) as terminal:
        terminal.see("Go on. .Y/n.: ")
        terminal.type("\r")
        for name in ALL[:2]:
            terminal.see(f"https://dev.azure.com/{name}/_usersSettings/tokens")
            terminal.see(PROMPT)
            terminal.type(f"{world.new_pat(ANN, [name])}\r")
        terminal.see(PROMPT)
        terminal.type("\r")
        assert terminal.ended() == 1
        assert "no token of its own yet: fabrikam" in terminal.text
    assert wide.id in home.registry.read_text()
    with Terminal(home, *REPLACE, "--org", "fabrikam") as terminal:
        terminal.see(PROMPT)
        terminal.type(f"{world.new_pat(ANN, ['fabrikam'])}\r")
        assert terminal.ended() == 0
        assert "revoke it: https://dev.azure.com/fabrikam/_usersSettings/tokens" in terminal.text
    assert wide.id not in home.registry.read_text()
    for name in ALL:
        assert home.get(*at(f"{name}/app/_git/app")).fields["password"] == made(emulator)[name].token


@pytest.mark.usefixtures("wide")
def test_a_person_who_may_not_make_one_is_asked_for_one(home: Home, emulator: Emulator) -> None:
    """The policy's words come before the prompt."""
    sign_in(home, emulator.world, ANN)
    emulator.world.organizations["contoso"].policies.pat_error = "disablePatCreationPolicyViolation"
    with Terminal(home, *REPLACE, "--org", "contoso") as terminal:
        terminal.see("contoso: the policy of contoso forbids personal access tokens")
        terminal.see(PROMPT)
        terminal.type(f"{emulator.world.new_pat(ANN, ['contoso'])}\r")
        terminal.see("Revoke 'made by the test' at Azure DevOps, too.*: ")
        terminal.type("n\r")
        assert terminal.ended() == 0
    assert home.get(*at()).fields["password"] == made(emulator)["contoso"].token
    assert not emulator.world.pats[0].revoked


def test_the_old_token_is_revoked_after_a_yes(home: Home, emulator: Emulator, wide: Account) -> None:
    """The new ones serve by then."""
    sign_in(home, emulator.world, ANN)
    with Terminal(home, *REPLACE) as terminal:
        terminal.see("Go on. .Y/n.: ")
        terminal.type("\r")
        terminal.see("Whatever else uses it stops working .y/N.: ")
        terminal.type("y\r")
        assert terminal.ended() == 0
        assert "It is revoked" in terminal.text
    assert emulator.world.pats[0].revoked
    assert wide.id not in home.registry.read_text()
    assert sorted(made(emulator)) == ALL


@pytest.mark.parametrize("case", ["two", "trouble"])
def test_a_token_that_cannot_be_told_from_others_is_left_to_the_person(
    home: Home, emulator: Emulator, wide: Account, case: str
) -> None:
    """The page where they can be seen is named."""
    sign_in(home, emulator.world, ANN)
    give_pat(home, emulator.world.new_pat(ANN, ["contoso"]), ANN, "contoso")
    if case == "two":
        emulator.world.new_pat(ANN)
    else:
        emulator.refuse("vssps.dev.azure.com")
    with Terminal(home, *REPLACE, "--org", "contoso") as terminal:
        assert terminal.ended() == 0
        assert "contoso: has a token of its own already" in terminal.text
        assert "hint: if nothing else uses the old token, revoke it" in terminal.text
    assert not emulator.world.pats[0].revoked
    assert wide.id not in home.registry.read_text()


@pytest.mark.usefixtures("wide")
def test_no_at_the_first_question_changes_nothing(home: Home, emulator: Emulator) -> None:
    """Exit code 1, all as it was."""
    sign_in(home, emulator.world, ANN)
    before = home.registry.read_bytes()
    with Terminal(home, *REPLACE) as terminal:
        terminal.see("Go on. .Y/n.: ")
        terminal.type("n\r")
        assert terminal.ended() == 1
        assert "nothing was changed" in terminal.text
    assert home.registry.read_bytes() == before
