"""Whose sign-in it is: somebody else than ``--login-hint`` is never taken without a question, and each cure names who and what was given."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import httpx
import pytest

from git_credential_azdo.accounts.account import Account, Block
from git_credential_azdo.signin import sign_in_errors
from tests.emulator.default_world import ANN, BOB, CONTOSO, KIM
from tests.emulator.model import CONSUMERS, App
from tests.support import people
from tests.support.pats import in_vault
from tests.support.people import at, blocks
from tests.support.terminal import LINK, Sitting, Terminal, visit

if TYPE_CHECKING:
    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator

FILE = ("--vault", "file", "--no-browser")
OWN = "0f0f0f0f-1111-4222-8333-444444444444"


def names(home: Home) -> list[str]:
    """Return the names of the accounts."""
    return [value for pairs in blocks(home) for key, value in pairs if key == "name"]


def last_lines(result: Result) -> list[str]:
    """Return the error and the hint."""
    return [line.partition("git-credential-azdo: ")[2] for line in result.err.splitlines()[-2:]]


@pytest.mark.parametrize(
    ("way", "answer", "kept"),
    [("listener", "\r", []), ("listener", "y\r", [BOB]), ("paste", "n\r", []), ("paste", "y\r", [BOB])],
)
def test_another_person_than_the_hint_is_asked_about(
    home: Home, emulator: Emulator, way: str, answer: str, kept: list[str]
) -> None:
    """Enter is no, and then nothing is kept; the page does not claim a sign-in either."""
    with Terminal(home, "setup", *FILE, "--login-hint", ANN) as terminal:
        address = emulator.sign_in(terminal.see(LINK), BOB)
        terminal.see("> ")
        if way == "listener":
            assert visit(address) == 200
        else:
            terminal.type(f"{address}\r")
        terminal.see(f"{BOB} signed in, not {ANN}")
        terminal.see(r"Keep this sign-in\? \[y/N\]: ")
        terminal.type(answer)
        assert terminal.ended() == (0 if kept else 1)
        assert (f"Signed in as {BOB}" in terminal.text) is bool(kept)
        assert ("nothing was stored" in terminal.text) is not bool(kept)
    assert names(home) == kept
    assert bool(in_vault(home)) is bool(kept)


def test_without_a_terminal_another_person_is_refused(home: Home, emulator: Emulator) -> None:
    """The hint is the same command for the person who signed in; run as printed it signs in."""
    sitting = Sitting(home, *FILE, "--login-hint", ANN)
    result = sitting.finish(emulator.sign_in(sitting.link, BOB))
    assert (result.code, names(home), in_vault(home)) == (1, [], "")
    error, hint = result.err.splitlines()[-2:]
    assert error == f"git-credential-azdo: error: {BOB} signed in, not {ANN}; nothing was stored"
    command = hint.partition("hint: ")[2]
    assert command == f"git credential-azdo setup --vault file --no-browser --login-hint {BOB}"
    again = Sitting(home, *shlex.split(command)[3:])
    assert again.finish(emulator.sign_in(again.link, BOB)).code == 0
    assert names(home) == [BOB]


def test_the_name_is_compared_without_case(home: Home, emulator: Emulator) -> None:
    """Entra writes names as somebody typed them once."""
    sitting = Sitting(home, *FILE, f"--login-hint={ANN.upper()}")
    assert sitting.finish(emulator.sign_in(sitting.link, ANN)).code == 0
    assert names(home) == [ANN]


def test_an_organization_that_refuses_the_sign_in_ends_setup(home: Home, emulator: Emulator) -> None:
    """The person named it: a setup that ends well promises that git works there."""
    emulator.world.tenants[CONTOSO].guests.add(BOB)
    sitting = Sitting(home, *FILE, "--org", "contoso")
    result = sitting.finish(emulator.sign_in(sitting.link, BOB))
    assert (result.code, names(home), in_vault(home)) == (1, [], "")
    error, hint = result.err.splitlines()[-2:]
    assert error.startswith(f"git-credential-azdo: error: {BOB} signed in, but the organization contoso")
    assert error.endswith("nothing was stored")
    assert hint.endswith("git credential-azdo setup pat --org contoso")


# --- a cure is the same command, with what must change


def test_a_failed_setup_is_begun_again_with_the_same_options(home: Home, emulator: Emulator) -> None:
    """The organization, the alias and the app registration are not asked for twice."""
    emulator.world.add_app(App(OWN, "Our own", redirects=["http://localhost"]))
    emulator.world.fail_next("token", 50076)
    given = (*FILE, "--org", "contoso", "--alias", "work", "--client-id", OWN)
    sitting = Sitting(home, *given, "--login-hint", ANN)
    result = sitting.finish(emulator.sign_in(sitting.link))
    assert result.code == 1
    assert last_lines(result)[1] == f"hint: git credential-azdo setup {' '.join(given)} --login-hint {ANN}"


@pytest.mark.parametrize(
    ("fields", "command"),
    [
        ({"tenant": CONSUMERS}, "--login-hint me@example.org"),
        ({"tenant": CONTOSO}, "--login-hint me@example.org"),
        (
            {"tenant": CONTOSO, "client_id": OWN},
            f"--tenant {CONTOSO} --login-hint me@example.org --client-id {OWN}",
        ),
        ({"tenant": CONTOSO, "subject": "me@example.org"}, ""),
        (
            {"tenant": CONTOSO, "authtype": "Bearer"},
            "--login-hint me@example.org --bearer",
        ),
        (
            {"tenant": CONSUMERS, "client_id": OWN},
            f"--login-hint me@example.org --client-id {OWN}",
        ),
    ],
)
def test_an_own_registration_is_named_with_its_tenant_and_a_personal_account_without(
    fields: dict[str, str], command: str
) -> None:
    """A registration of one tenant is refused elsewhere (AADSTS50194), and the personal tenant cannot be named (9002332)."""
    account = Account(Block([("kind", "oauth"), ("name", "me@example.org"), *fields.items()]))
    assert sign_in_errors.setup_again(account) == f"git credential-azdo setup {command}".rstrip()


def test_the_cure_of_an_ended_personal_account_signs_it_in_again(home: Home, emulator: Emulator) -> None:
    """Run as printed: Microsoft refuses this client at the tenant of personal accounts."""
    kim = people.sign_in(home, emulator.world, KIM, "hobby", tenant=CONSUMERS)
    kim.let_pass(people.STALE, CONSUMERS)
    emulator.world.fail_next("token", 700082)
    hint = last_lines(home.get(*at("hobby")))[1]
    assert hint == f"hint: git credential-azdo setup --login-hint {KIM}"


def test_a_code_that_is_refused_is_not_called_an_ended_sign_in(home: Home, emulator: Emulator) -> None:
    """The browser says it in the same words as the terminal, which shows a new link."""
    emulator.world.fail_next("token", 70000)
    with Terminal(home, "setup", *FILE) as terminal:
        address = emulator.sign_in(terminal.see(LINK))
        terminal.see("> ")
        with httpx.Client(trust_env=False, timeout=90) as browser:
            page = browser.get(address).text
            line = "<p>This code is not valid: it was used before, has expired, or belongs to another link"
            assert line in page
            assert "<p>What to do: open the new link that the terminal shows.</p>" in page
            address = emulator.sign_in(terminal.see(LINK))
            terminal.see("> ")
            assert f"You are signed in as {ANN}." in browser.get(address).text
        assert terminal.ended() == 0
        assert "no longer valid" not in terminal.text


# --- the wrong person, by device code


def test_another_person_who_enters_the_code_is_asked_about(home: Home, emulator: Emulator) -> None:
    """Somebody else is asked about; Enter is no, and then nothing is kept."""
    emulator.world.device_interval = 1
    with Terminal(home, "setup", "device-code", "--vault", "file", "--login-hint", ANN) as terminal:
        terminal.see("microsoft.com/devicelogin")
        terminal.see("waiting")
        emulator.enter_device_code(list(emulator.world.grants.devices.values())[-1].user_code, BOB)
        terminal.see(f"{BOB} signed in, not {ANN}")
        terminal.see(r"Keep this sign-in\? \[y/N\]: ")
        terminal.type("\r")
        assert terminal.ended() == 1
    assert names(home) == []
