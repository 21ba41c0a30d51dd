"""The subcommands of ``setup``: how each is spelled, now and in 0.1.0, what one run costs, and how it ends."""

from __future__ import annotations

import json
import re
import shlex
import sys
from typing import TYPE_CHECKING

import click
import pytest

from git_credential_azdo.commands import cli
from git_credential_azdo.commands.setup import current_spelling
from tests.conftest import SCRIPT
from tests.emulator.default_world import ANN, BOB
from tests.support.pats import in_vault
from tests.support.people import at, blocks, sign_in
from tests.support.terminal import LINK, Sitting, Terminal, setup_by_browser

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

FILE = ("--vault", "file")


@pytest.mark.parametrize(
    ("former", "now"),
    [
        ("--pat --org a", "pat --org a"),
        ("--vault file --pat --all-orgs", "pat --vault file --all-orgs"),
        ("--org a --device-code", "device-code --org a"),
        ("--managed-identity system --org a", "managed-identity system --org a"),
        ("--managed-identity=object:1", "managed-identity object:1"),
        ("--service-principal c --tenant t", "service-principal c --tenant t"),
        (
            "--federated managed-identity --managed-identity system",
            "federated managed-identity --managed-identity system",
        ),
        (
            "--managed-identity system --federated managed-identity",
            "federated --managed-identity system managed-identity",
        ),
        ("--azure-cli", "azure-cli"),
        ("--undo", "undo"),
        ("--pat=x", "pat x"),
        ("", ""),
        ("--org a", "--org a"),
        ("pat --org a", "pat --org a"),
        (
            "federated managed-identity --managed-identity system",
            "federated managed-identity --managed-identity system",
        ),
    ],
)
def test_what_0_1_0_spelled_as_an_option_is_a_subcommand(former: str, now: str) -> None:
    """Nobody's script breaks; a value stays where it was, and a word of the new spelling is left alone."""
    assert current_spelling(former.split()) == now.split()


def test_the_former_spelling_does_the_same(home: Home, emulator: Emulator) -> None:
    """``setup --pat``, with options before and after it, and ``--undo``."""
    token = emulator.world.new_pat(BOB, ["fabrikam"])
    result = home.azdo("setup", *FILE, "--pat", "--org", "fabrikam", "--alias", "fab", given=token)
    assert (result.code, f"Signed in as {BOB} (fab)" in result.err) == (0, True)
    assert home.azdo("setup", "--undo").err.endswith("git no longer calls this helper\n")


def test_options_may_stand_before_the_subcommand(home: Home, emulator: Emulator) -> None:
    """Those that every way has."""
    token = emulator.world.new_pat(BOB, ["fabrikam"])
    assert home.azdo("setup", "--org", "fabrikam", *FILE, "pat", given=token).code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--no-browser pat --org x", "no such option '--no-browser'"),
        ("pat --org x --no-browser", "no such option '--no-browser'"),
        ("pat --org x --tenant contoso.com", "no such option '--tenant'"),
        ("device-code --pat --org x", "no such option '--pat'"),
        ("device-code --redirect-uri https://x", "no such option '--redirect-uri'"),
        ("device-code --no-browser", "no such option '--no-browser'"),
        ("service-principal x azure-cli", "unexpected argument"),
        ("service-principal x --client-id y", "no such option '--client-id'"),
        ("managed-identity system --certificate x", "no such option '--certificate'"),
        ("managed-identity system --login-hint x", "no such option '--login-hint'"),
        ("federated somewhere", "it is not one of 'file', 'github'"),
        ("--certificate x", "no such option '--certificate'"),
    ],
)
def test_each_way_has_its_own_options_only(home: Home, emulator: Emulator, words: str, said: str) -> None:
    """The others are no options at all, and nobody is asked."""
    result = home.azdo("setup", *words.split(), *FILE)
    assert (result.code, said in result.err) == (2, True), result.err
    assert emulator.requests == []


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize(
    ("words", "seen"),
    [
        ("", "Choose"),
        ("--vault file --no-browser", "> "),
        ("--vault file pat --org fabrikam", "Personal access token: "),
        ("--vault file device-code", "waiting "),
    ],
)
def test_ctrl_c_leaves_nothing_half_done(home: Home, words: str, seen: str) -> None:
    """At the menu, the link, the hidden prompt and the wait: exit code 130, no line, no account, no secret, no setting."""
    with Terminal(home, "setup", *words.split()) as terminal:
        terminal.see(seen)
        assert terminal.interrupted() == 130
        assert "Traceback" not in terminal.text
        assert "error" not in terminal.text
    assert [pairs for pairs in blocks(home) if dict(pairs).get("kind")] == []
    assert in_vault(home) == ""
    assert not (home.folder / ".gitconfig").exists()


def test_a_redirect_that_is_no_web_address_is_refused(home: Home, emulator: Emulator) -> None:
    """Before anybody is sent to a page whose answer could never come back."""
    for address in ("999", "ftp://example.com/done", "http://localhost:99999"):
        result = home.azdo("setup", *FILE, "--redirect-uri", address)
        assert (result.code, emulator.requests) == (1, [])
        assert "error: --redirect-uri takes an http or https URL" in result.err


def test_the_help_fits_a_screen_and_shows_examples_that_can_be_run(home: Home) -> None:
    """Thirty lines of 80 columns for all ways; each subcommand has two examples of its own."""
    overview = home.azdo("setup", "-h", COLUMNS="80").out.rstrip("\n").split("\n")
    assert len(overview) <= 30
    assert max(map(len, overview)) <= 80
    assert max(map(len, home.azdo("help", COLUMNS="40").out.split("\n"))) <= 40
    setup = cli.group.get_command(click.Context(cli.group), "setup")
    assert isinstance(setup, click.Group)
    assert len(setup.commands) == 6
    for name, command in {"": setup, **setup.commands}.items():
        assert name in "\n".join(overview)
        text = command.help or ""
        examples = [line.partition("git credential-azdo ")[2] for line in text.splitlines()]
        examples = [example for example in examples if example]
        assert len(examples) == 2, name
        for example in examples:
            words = shlex.split(example.partition(" <")[0])
            assert words[: 1 + bool(name)] == ["setup", *([name] if name else [])]
            command.make_context(name, words[1 + bool(name) :])


COUNTING = """
import collections, json, os, sys
counts = collections.Counter()
def count(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[0].endswith("/accounts"):
        counts["read"] += 1
    elif event == "os.rename" and str(arguments[1]).endswith("/accounts"):
        counts["written"] += 1
    elif event == "subprocess.Popen" and os.path.basename(str(arguments[0])).startswith("git"):
        counts["git"] += 1
sys.addaudithook(count)
from git_credential_azdo import web
made = web.HttpClient.__init__
def making(self, *words, **named):
    counts["HttpClient"] += 1
    made(self, *words, **named)
web.HttpClient.__init__ = making
sys.argv[0] = SCRIPT
from git_credential_azdo.__main__ import main
code = main()
with open(RESULT, "w") as file:
    json.dump(counts, file)
sys.exit(code)
"""


class Counted:
    """Our program with a count of what it looks up; the count is taken by Python's audit events (PEP 578)."""

    def __init__(self, folder: Path) -> None:
        self.result = folder / "counts"
        self.program = folder / "counted"
        constants = f"SCRIPT = {str(SCRIPT)!r}\nRESULT = {str(self.result)!r}\n"
        self.program.write_text(f"#!{sys.executable}\n{constants}{COUNTING}")
        self.program.chmod(0o755)

    def check(self, most_git: int) -> None:
        """Expect what one run may cost: four reads of the accounts file are those of the locked write.

        It looks for the account that is replaced, for the salt, for what is to be changed, and for what counts then; git
        starts once for the way out, once to look, twice to write.
        """
        counts = json.loads(self.result.read_text())
        assert counts["read"] <= 5
        assert counts["written"] == 1
        assert counts["git"] <= most_git
        assert counts["HttpClient"] == 1


def test_a_run_looks_everything_up_once(home: Home, emulator: Emulator, tmp_path: Path) -> None:
    """The accounts file, git, the HTTP client: by a token and by a browser."""
    counted = Counted(tmp_path)
    home.write_accounts_file("version=1\nsalt=00112233445566778899aabbccddeeff\nvault=file\n")
    token = emulator.world.new_pat(BOB, ["fabrikam"])
    result = home.fork(counted.program, "setup", "pat", "--org", "fabrikam", given=token)
    assert result.code == 0, result.err
    counted.check(4)
    sitting = Sitting(home, "--org", "fabrikam", "--no-browser", program=counted.program)
    result = sitting.finish(emulator.sign_in(sitting.link))
    assert result.code == 0, result.err
    counted.check(2)  # all is configured: it only looks


def test_it_ends_with_a_clone_that_works(home: Home, emulator: Emulator) -> None:
    """A repository that the new account can read, by name."""
    token = emulator.world.new_pat(BOB, ["fabrikam"])
    for words, given in ((("pat", "--org", "fabrikam"), token), ((), "")):
        result = home.azdo("setup", *words, *FILE, given=given) if words else setup_by_browser(home, emulator)
        last = result.err.splitlines()[-1]
        assert last.startswith("Next: git clone https://dev.azure.com/"), result.err
        clone = home.git("clone", "-q", last.split()[-1], home.folder / f"clone{len(words)}")
        assert clone.code == 0, clone.err


def test_without_a_repository_the_clone_has_placeholders(home: Home, emulator: Emulator) -> None:
    """An organization may be empty, and a token of it is still good."""
    for key in [key for key in emulator.world.repositories if key[0] == "fabrikam"]:
        del emulator.world.repositories[key]
    token = emulator.world.new_pat(BOB, ["fabrikam"])
    result = home.azdo("setup", "pat", "--org", "fabrikam", *FILE, given=token)
    assert (result.code, result.err.splitlines()[-1]) == (
        0,
        "Next: git clone https://dev.azure.com/fabrikam/PROJECT/_git/REPOSITORY",
    )


def test_for_all_organizations_one_acceptance_is_enough(home: Home, emulator: Emulator) -> None:
    """The alphabetically first one refuses tokens by policy: it is named, and costs nothing."""
    emulator.world.organizations["contoso"].policies.conditional_access_for_pats = True
    result = home.azdo("setup", "pat", "--all-orgs", *FILE, given=emulator.world.new_pat(ANN))
    assert result.code == 0, result.err
    assert "git-credential-azdo: error: contoso refuses the token: " in result.err
    assert "The token serves: contoso-labs" in result.err
    emulator.world.organizations["contoso-labs"].policies.conditional_access_for_pats = True
    refused = home.azdo("setup", "pat", "--all-orgs", *FILE, given=emulator.world.new_pat(ANN))
    assert refused.code == 1
    assert "error: the organization contoso" in refused.err


def test_a_person_is_asked_which_account_serves_an_organization(home: Home, emulator: Emulator) -> None:
    """On a terminal, so that no later fetch stops there; in a pipe the command is named."""
    emulator.world.organizations["contoso"].members[BOB] = "read"
    sign_in(home, emulator.world, BOB, "contoso")
    with Terminal(home, "setup", "--no-browser", *FILE) as terminal:
        terminal.type(f"{emulator.sign_in(terminal.see(LINK))}\r")
        terminal.see("Several accounts match contoso:")
        terminal.see("Which one serves it")
        terminal.type("2\r")
        assert terminal.ended() == 0
        chosen = re.findall(r"  2  (\S+)", terminal.text)[0]
    assert home.get(*at()).fields["username"] == chosen
    again = setup_by_browser(home, emulator)
    assert "Several accounts match" not in again.err
