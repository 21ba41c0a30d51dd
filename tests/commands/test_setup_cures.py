"""``setup`` that failed, and sign-ins that ended: each cure keeps what the person gave, and names only what helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from git_credential_azdo.accounts.account import Account, Block
from git_credential_azdo.signin import sign_in_errors
from tests.commands.test_setup_oauth import asked
from tests.emulator.default_world import ANN, BOB, CONTOSO, KIM
from tests.emulator.model import CONSUMERS, App
from tests.support import people
from tests.support.people import at, blocks
from tests.support.terminal import LINK, Sitting, Terminal

if TYPE_CHECKING:
    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator
    from tests.support.openid import Provider

FILE = ("--vault", "file", "--no-git-config")
OWN = "0f0f0f0f-1111-4222-8333-444444444444"
DEVICE_PAGE = "microsoft.com/devicelogin"


def names(home: Home) -> list[str]:
    """Return the names of the accounts."""
    return [value for pairs in blocks(home) for key, value in pairs if key == "name"]


def last_lines(result: Result) -> list[str]:
    """Return the error and the hint."""
    return [line.partition("git-credential-azdo: ")[2] for line in result.err.splitlines()[-2:]]


# --- an authority that is not Entra


def test_another_authority_is_never_given_the_client_id_of_visual_studio(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """It knows its own clients only; the scope of Azure DevOps is Entra's, too."""
    result = home.azdo("setup", *FILE, "--no-browser", "--authority", provider.issuer)
    assert (result.code, provider.forms) == (1, [])
    assert last_lines(result) == [
        "error: missing --client-id: this authority knows only its own clients",
        f"hint: git credential-azdo setup {' '.join(FILE)} --no-browser --authority {provider.issuer} --client-id ID",
    ]
    sitting = Sitting(
        home, *FILE, "--no-browser", "--authority", provider.issuer, "--client-id", "our", "--org", "contoso"
    )
    assert asked(sitting.link)["scope"] == "openid profile offline_access"
    assert sitting.finish(provider.sign_in(sitting.link)).code == 0
    assert emulator.seen("login.microsoftonline.com") == []


def test_a_sign_in_that_ended_there_is_begun_again_there(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """A cure without the authority would sign in at Microsoft."""
    own = ("--authority", provider.issuer, "--client-id", "our")
    sitting = Sitting(home, *FILE, "--no-browser", *own, "--org", "contoso")
    assert sitting.finish(provider.sign_in(sitting.link)).code == 0
    provider.refusal = {"error": "invalid_grant", "error_description": "the session was ended"}
    olga = people.Account(home, next(value for pairs in blocks(home) for key, value in pairs if key == "id"))
    olga.let_pass(people.STALE, "home")
    result = home.get(*at())
    assert last_lines(result) == [
        "error: the sign-in of olga@example.org is no longer valid; the server says: the session was ended (invalid_grant)",
        "hint: git credential-azdo setup --login-hint olga@example.org " + " ".join(own),
    ]
    assert emulator.requests


# --- a cure is the same command, with what must change


def test_an_account_without_a_name_is_signed_in_again_without_one(
    home: Home, emulator: Emulator, provider: Provider
) -> None:
    """A name that we made up belongs to no person: the cure would refuse everybody."""
    provider.claims = {}
    own = ("--authority", provider.issuer, "--client-id", "our")
    sitting = Sitting(home, *FILE, "--no-browser", *own, "--org", "contoso")
    assert sitting.finish(provider.sign_in(sitting.link)).code == 0
    account = Account(Block(next(pairs for pairs in blocks(home) if ("kind", "oauth") in pairs)))
    assert account.name == "signed-in"
    assert sign_in_errors.setup_again(account) == f"git credential-azdo setup {' '.join(own)}"
    assert emulator.requests


def test_a_failed_setup_is_begun_again_with_the_same_options(home: Home, emulator: Emulator) -> None:
    """The organization, the alias and the app registration are not asked for twice."""
    emulator.world.add_app(App(OWN, "Our own", redirects=["http://localhost"]))
    emulator.world.fail_next("token", 50076)
    given = (*FILE, "--no-browser", "--org", "contoso", "--alias", "work", "--client-id", OWN)
    sitting = Sitting(home, *given, "--login-hint", ANN)
    result = sitting.finish(emulator.sign_in(sitting.link))
    assert result.code == 1
    assert last_lines(result)[1] == f"hint: git credential-azdo setup {' '.join(given)} --login-hint {ANN}"


@pytest.mark.parametrize(
    ("fields", "command"),
    [
        ({"tenant": CONSUMERS}, "git credential-azdo setup --login-hint me@example.org"),
        ({"tenant": CONTOSO}, "git credential-azdo setup --login-hint me@example.org"),
        (
            {"tenant": CONTOSO, "client_id": OWN},
            f"git credential-azdo setup --tenant {CONTOSO} --login-hint me@example.org --client-id {OWN}",
        ),
        ({"tenant": CONTOSO, "subject": "me@example.org"}, "git credential-azdo setup"),
        (
            {"tenant": CONTOSO, "authtype": "Bearer"},
            "git credential-azdo setup --login-hint me@example.org --bearer",
        ),
        (
            {"tenant": CONSUMERS, "client_id": OWN},
            f"git credential-azdo setup --login-hint me@example.org --client-id {OWN}",
        ),
    ],
)
def test_an_own_registration_is_named_with_its_tenant_and_a_personal_account_without(
    fields: dict[str, str], command: str
) -> None:
    """A registration of one tenant is refused elsewhere (AADSTS50194), and the personal tenant cannot be named (9002332)."""
    account = Account(Block([("kind", "oauth"), ("name", "me@example.org"), *fields.items()]))
    assert sign_in_errors.setup_again(account) == command


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
    with Terminal(home, "setup", *FILE, "--no-browser") as terminal:
        address = emulator.sign_in(terminal.see(LINK))
        terminal.see("> ")
        with httpx.Client(trust_env=False, timeout=90) as browser:
            page = browser.get(address).text
            assert (
                "<p>This code is not valid: it was used before, has expired, or belongs to another link"
                in page
            )
            assert "<p>What to do: open the new link that the terminal shows.</p>" in page
            address = emulator.sign_in(terminal.see(LINK))
            terminal.see("> ")
            assert f"You are signed in as {ANN}." in browser.get(address).text
        assert terminal.ended() == 0
        assert "no longer valid" not in terminal.text


# --- the wrong person, by device code


def test_who_typed_the_code_must_be_who_was_meant(home: Home, emulator: Emulator) -> None:
    """Somebody else is asked about; Enter is no, and then nothing is kept."""
    emulator.world.device_interval = 1
    device = ("setup", "device-code", *FILE, "--login-hint", ANN)
    for answer, kept in (("\r", []), ("y\r", [BOB])):
        with Terminal(home, *device) as terminal:
            terminal.see(DEVICE_PAGE)
            terminal.see("waiting")
            emulator.enter_device_code(list(emulator.world.grants.devices.values())[-1].user_code, BOB)
            terminal.see(f"{BOB} signed in, not {ANN}")
            terminal.see(r"Keep this sign-in\? \[y/N\]: ")
            terminal.type(answer)
            assert terminal.ended() == (0 if kept else 1)
        assert names(home) == kept
