"""``setup`` by OAuth: what a person gives it, what it keeps, and what it says; through the installed script."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.emulator import faults
from tests.emulator.default_world import ANN
from tests.emulator.model import App
from tests.support.people import at, of_kind
from tests.support.terminal import LINK, Sitting, Terminal, asked, setup_by_browser

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

FILE = ("--vault", "file", "--no-browser")


def test_a_sign_in_says_who_where_and_how_to_undo_it_and_then_git_is_answered(
    home: Home, emulator: Emulator
) -> None:
    """The tokens are in the vault only, the accounts file names the account, git's configuration calls us."""
    result = setup_by_browser(home, emulator)
    assert (result.code, result.out) == (0, "")
    for said in (
        f"Signed in as {ANN}",
        "Organizations: contoso, contoso-labs",
        "saved in a private file, not encrypted",
        f"git credential-azdo logout {ANN}",
        "  https://dev.azure.com",
        "git credential-azdo unconfigure",
    ):
        assert said in result.err
    assert [account["name"] for account in of_kind(home, "oauth")] == [ANN]
    assert home.get(*at()).fields["username"] == ANN


def test_a_person_pastes_what_the_browser_shows(home: Home, emulator: Emulator) -> None:
    """The whole address, of any length; its code is not shown."""
    with Terminal(home, "setup", *FILE) as terminal:
        address = emulator.sign_in(terminal.see(LINK))
        terminal.see("> ")
        terminal.type(f"\x1b[200~{address}&padding={'x' * 16_384}\x1b[201~\r")
        assert terminal.ended() == 0
        assert f"Signed in as {ANN}" in terminal.text
        assert asked(address)["code"] not in terminal.text


@pytest.mark.parametrize(
    ("answer", "code", "said"), [("y", 0, "Signed in as"), ("n", 1, "nothing was stored")]
)
def test_a_bare_code_names_who_it_was_for_and_asks(
    home: Home, emulator: Emulator, answer: str, code: int, said: str
) -> None:
    """It cannot be told whose attempt it belongs to, so the person is asked; a no keeps nothing."""
    with Terminal(home, "setup", *FILE) as terminal:
        address = emulator.sign_in(terminal.see(LINK))
        terminal.see("> ")
        terminal.type(asked(address)["code"] + "\r")
        terminal.see(f"The code was for {ANN}")
        terminal.see("Is that you")
        terminal.type(f"{answer}\r")
        assert terminal.ended() == code
        assert said in terminal.text
    assert len(of_kind(home, "oauth")) == (code == 0)


def test_every_wrong_paste_is_explained_and_may_be_tried_again(home: Home, emulator: Emulator) -> None:
    """Nothing, a stray Ctrl-V, another attempt's answer, the link itself, another site, a no: then the right one."""
    with Terminal(home, "setup", *FILE) as terminal:
        link = terminal.see(LINK)
        address = emulator.sign_in(link)
        for pasted, said in (
            ("", "nothing was pasted"),
            ("\x16", "stray Ctrl-V"),
            ("a\x07b", "control character"),
            (address.replace("state=", "state=x"), "another sign-in attempt"),
            (link, "the sign-in link"),
            ("https://example.com/?x=y", "contains no sign-in response"),
            ("two words", "neither an address nor a code"),
            (f"?error=access_denied&state={asked(link)['state']}", "the sign-in was declined"),
            (f"?error=server_error&state={asked(link)['state']}", "server is busy"),
        ):
            terminal.see("> ")
            terminal.type(f"{pasted}\r")
            terminal.see(said)
        terminal.see("> ")
        terminal.type(f"{address}\r")
        assert terminal.ended() == 0
    assert len(of_kind(home, "oauth")) == 1


def test_a_used_code_brings_a_new_link(home: Home, emulator: Emulator) -> None:
    """The person signs in once more; the first code is of no use."""
    emulator.world.fail_next("token", 54005)
    with Terminal(home, "setup", *FILE) as terminal:
        first = terminal.see(LINK)
        terminal.type(f"{emulator.sign_in(first)}\r")
        terminal.see("this code was used before .*AADSTS54005")
        second = terminal.see(LINK)
        assert asked(first)["state"] != asked(second)["state"]
        terminal.type(f"{emulator.sign_in(second)}\r")
        assert terminal.ended() == 0
    assert len(of_kind(home, "oauth")) == 1


def test_a_refusal_is_one_line_with_a_hint_and_keeps_nothing(home: Home, emulator: Emulator) -> None:
    """Conditional Access, with the codes for administrators at its end."""
    emulator.world.fail_next("token", 53003)
    result = setup_by_browser(home, emulator, "--login-hint", ANN)
    error, hint = result.err.splitlines()[-2:]
    assert result.code == 1
    assert error.startswith("git-credential-azdo: error: the Conditional Access policies")
    assert ANN in error
    assert "AADSTS53003" in error
    assert hint.startswith("git-credential-azdo: hint: ")
    assert of_kind(home, "oauth") == []
    assert not (home.folder / ".gitconfig").exists()


def test_declining_in_the_browser_ends_a_piped_setup(home: Home, emulator: Emulator) -> None:
    """Nobody is there for another try."""
    sitting = Sitting(home, *FILE)
    result = sitting.finish(emulator.sign_in(sitting.link, None))
    assert result.code == 1
    assert "error: the sign-in was declined" in result.err
    assert of_kind(home, "oauth") == []


def test_the_browser_is_opened_unless_it_is_not_wanted(home: Home, emulator: Emulator) -> None:
    """A program named by BROWSER gets the very link that is printed."""
    opened = home.folder / "opened"
    home.run("mkfifo", opened)
    reader = os.open(opened, os.O_RDWR)
    browser = home.folder / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >"{opened}"\n')
    browser.chmod(0o755)
    sitting = Sitting(home, "--vault", "file", BROWSER=str(browser))
    assert select.select([reader], [], [], 30)[0], "no browser was opened"
    assert os.read(reader, 9_999).decode().strip() == sitting.link
    assert sitting.finish(emulator.sign_in(sitting.link)).code == 0
    assert setup_by_browser(home, emulator, BROWSER=str(browser)).code == 0
    assert not select.select([reader], [], [], 0)[0]
    os.close(reader)


def test_options_shape_the_link_and_are_saved(home: Home, emulator: Emulator) -> None:
    """Own registration, redirect, scope, tenant and hint; the alias names the account."""
    own = "0f0f0f0f-1111-4222-8333-444444444444"
    emulator.world.add_app(App(own, "Our own", redirects=["http://localhost/done"]))
    scope = "499b84ac-1321-427f-aa17-267ca6975798/vso.code_write offline_access openid profile"
    options = {
        "--client-id": own,
        "--redirect-uri": "http://localhost/done",
        "--scope": scope,
        "--tenant": "contoso.com",
        "--login-hint": ANN,
        "--alias": "work",
    }
    sitting = Sitting(home, *FILE, *(word for pair in options.items() for word in pair))
    parameters = asked(sitting.link)
    assert urlsplit(sitting.link).path.startswith("/contoso.com/")
    assert (parameters["client_id"], parameters["scope"], parameters["login_hint"]) == (own, scope, ANN)
    assert urlsplit(parameters["redirect_uri"]).path == "/done"
    assert parameters["code_challenge_method"] == "S256"
    result = sitting.finish(emulator.sign_in(sitting.link))
    assert (result.code, f"Signed in as {ANN} (work)" in result.err) == (0, True)
    account = of_kind(home, "oauth")[0]
    assert (account["client_id"], account["scope"], account["alias"]) == (own, scope, "work")
    assert home.get(*at(username="work")).fields["password"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--org", "no-such"], "there is no organization no-such"),
        (["--org", "a/b"], "a/b is not the name of an organization"),
        (["--alias", "a b"], "an alias is one word"),
        (["--tenant", "no such"], "'no such' is not a valid tenant"),
        (["--authority", "http://login.example.com"], "must be an https address"),
    ],
)
def test_what_cannot_be_is_refused_before_the_sign_in(
    home: Home, emulator: Emulator, options: list[str], said: str
) -> None:
    """One line and a hint; no link."""
    assert emulator.requests == []
    result = home.azdo("setup", *FILE, *options)
    assert result.code == 1
    assert said in result.err
    assert "https://login.microsoftonline.com/organizations/oauth2" not in result.err
    assert result.err.count("\n") == 2


def test_no_organization_and_no_network_are_distinguished(home: Home, emulator: Emulator) -> None:
    """The sign-in is kept even if the organizations cannot be listed."""
    emulator.refuse("app.vssps.visualstudio.com")
    result = setup_by_browser(home, emulator)
    assert result.code == 0
    assert "error: the organizations could not be listed" in result.err
    assert "Organizations: none found yet" in result.err
    emulator.refuse("login.microsoftonline.com")
    offline = home.azdo("setup", *FILE)
    assert (offline.code, of_kind(home, "oauth")[0]["name"]) == (1, ANN)
    assert offline.err.startswith("git-credential-azdo: error: cannot reach login.microsoftonline.com")


def test_a_server_that_answers_with_a_page_is_not_believed(home: Home, emulator: Emulator) -> None:
    """A guest network's page is no OpenID configuration."""
    emulator.refuse("login.microsoftonline.com", faults.html_page())
    result = home.azdo("setup", *FILE)
    assert (result.code, result.err.count("\n")) == (1, 2)
    assert "error: " in result.err
