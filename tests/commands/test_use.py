"""``use``: an account for an organization, a repository, or whatever nothing else decides."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import SCRIPT
from tests.emulator.default_world import ANN, BOB
from tests.support.people import at, give_pat, sign_in
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator


@pytest.fixture
def two(home: Home, emulator: Emulator) -> Home:
    """Return a home with two OAuth accounts that both fit contoso, and a PAT for fabrikam."""
    sign_in(home, emulator.world, ANN, "contoso", fields={"alias": "work"})
    sign_in(home, emulator.world, BOB, "contoso")
    give_pat(home, emulator.world.new_pat(BOB), "carl@fabrikam.com", "fabrikam")
    return home


def credential(home: Home, path: str = "contoso/app/_git/app", host: str = "dev.azure.com") -> str:
    """Return who serves a repository."""
    return home.get(*at(path, host)).fields.get("username", "nobody")


def test_an_organization(two: Home) -> None:
    """Both spellings of its host; the last word counts."""
    assert credential(two) == "nobody"
    result = two.azdo("use", "WORK", "--org", "https://contoso.visualstudio.com")
    assert (result.code, result.out, result.err) == (0, "work serves the organization contoso\n", "")
    assert credential(two) == ANN
    assert credential(two, "app/_git/app", "contoso.visualstudio.com") == ANN
    assert two.azdo("use", BOB, "--org", "Contoso").code == 0
    assert credential(two) == BOB


def test_the_default_serves_what_nothing_else_decides(two: Home) -> None:
    """There is one default; a binding comes before it."""
    assert two.azdo("use", BOB, "--default").code == 0
    assert two.azdo("use", "work", "--default").out == "work serves everything without another choice\n"
    assert credential(two) == ANN
    assert two.azdo("use", BOB, "--org", "contoso").code == 0
    assert credential(two) == BOB
    assert two.azdo("accounts").out.count("(default)") == 1


def test_a_repository(two: Home, tmp_path: Path) -> None:
    """From anywhere inside it; only that repository, its LFS paths too."""
    repository = tmp_path / "w"
    two.git("init", "-q", repository)
    url = "https://contoso.visualstudio.com/DefaultCollection/My%20Project/_git/App"
    two.git("remote", "add", "origin", url, cwd=repository)
    (repository / "deep").mkdir()
    assert two.azdo("use", "work", "--org", "contoso").code == 0
    result = two.fork(SCRIPT, "use", BOB, "--repo", cwd=repository / "deep")
    assert result.out == f"{BOB} serves the repository contoso/my project/app\n"
    assert credential(two, "contoso/My Project/_git/App") == BOB
    assert credential(two, "contoso/My%20Project/_git/App.git/info/lfs") == BOB
    assert credential(two) == ANN


def test_origin_is_meant_where_there_are_several(two: Home) -> None:
    """A fork has its upstream beside it."""
    two.git("init", "-q")
    for name in ("upstream", "origin"):
        two.git("remote", "add", name, f"https://dev.azure.com/contoso/_git/{name}")
    assert two.azdo("use", "work", "--repo").out == "work serves the repository contoso/origin/origin\n"


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        ([], "this folder has no remote on dev.azure.com"),
        (["https://github.com/a/b"], "this folder has no remote on dev.azure.com"),
        (["git@ssh.dev.azure.com:v3/contoso/app/app"], "this folder has no remote on dev.azure.com"),
        (
            ["https://dev.azure.com/contoso/_git/a", "https://dev.azure.com/contoso/_git/b"],
            "several remotes of this folder's repository are on dev.azure.com",
        ),
    ],
)
def test_a_folder_without_one_repository_of_azure_devops(two: Home, urls: list[str], said: str) -> None:
    """A line, and how to choose for the organization."""
    if urls:
        two.git("init", "-q")
    for number, url in enumerate(urls):
        two.git("remote", "add", f"r{number}", url)
    result = two.azdo("use", "work", "--repo", GIT_CEILING_DIRECTORIES=str(two.folder.parent))
    assert result.code == 1
    assert said in result.err
    assert "hint: git credential-azdo use work --org ORGANIZATION" in result.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody",), f"no account is named nobody; known accounts: work, {BOB}, carl@fabrikam.com"),
        (("work",), "missing --org, --repo or --default"),
        ((), "missing ACCOUNT"),
        (("--unset",), "--unset takes --org, --repo or --default"),
        (("work", "--unset", "--default"), "and no ACCOUNT"),
        (("work", "--org", "a/b"), "a/b is not the name of an organization"),
        (("work", "--org", "x", "--default"), "cannot be used together"),
        (("carl@fabrikam.com", "--org", "contoso"), "is a token for fabrikam, not for contoso"),
    ],
)
def test_an_impossible_choice_changes_nothing(two: Home, words: tuple[str, ...], said: str) -> None:
    """One line and a hint; nothing changes."""
    before = two.accounts_file.read_text()
    result = two.azdo("use", *words)
    assert (result.code, result.err.count("\n")) == (1, 2)
    assert said in result.err
    assert two.accounts_file.read_text() == before


def test_a_choice_ends_a_rejection(two: Home, emulator: Emulator) -> None:
    """The person has seen to it."""
    token = emulator.world.new_pat(ANN)
    account = give_pat(two, token, "dora@contoso.com", "contoso-labs")
    account.set_all("rejected[]", ["contoso-labs 1795358060"])
    assert two.azdo("use", "dora@contoso.com", "--org", "contoso-labs").code == 0
    assert account.all("rejected[]") == []


def test_a_choice_is_taken_back(two: Home) -> None:
    """Of an organization, of a repository, and the default; it is no error where there was none."""
    two.git("init", "-q")
    two.git("remote", "add", "origin", "https://dev.azure.com/contoso/_git/app")
    for words, shown in (
        (["--org", "contoso"], "the organization contoso"),
        (["--repo"], "the repository contoso/app/app"),
        (["--default"], "everything without another choice"),
    ):
        assert two.azdo("use", BOB, *words).code == 0
        assert credential(two, "contoso/_git/app") == BOB
        for _ in range(2):
            result = two.azdo("use", "--unset", *words)
            assert result.out == f"{shown} no longer has a chosen account\n", result.err
        assert credential(two, "contoso/_git/app") == "nobody"


def test_of_two_accounts_of_one_name_the_one_that_fits_is_meant(home: Home, emulator: Emulator) -> None:
    """A token of another organization does not stand in the way."""
    sign_in(home, emulator.world, ANN, "contoso")
    give_pat(home, emulator.world.new_pat(ANN), ANN, "contoso-labs")
    assert home.azdo("use", ANN, "--org", "contoso").out == f"{ANN}/oauth serves the organization contoso\n"


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize(
    ("answer", "shown"), [("1", "everything"), ("2", "contoso"), ("3", "contoso/app/app")]
)
def test_a_person_is_asked_what_an_account_is_for(two: Home, answer: str, shown: str) -> None:
    """Where the name alone is given; the current repository is offered."""
    two.git("init", "-q", two.folder)
    two.git("remote", "add", "origin", "https://dev.azure.com/contoso/_git/app", cwd=two.folder)
    with Terminal(two, "use", "work") as terminal:
        terminal.see("3  the repository contoso/app/app")
        terminal.type(f"{answer}\r")
        assert terminal.ended() == 0
        assert re.search(rf"work serves .*{shown}", terminal.text)
