"""``import`` from plain files: git's own ``store`` and netrc; what is shown, kept, skipped, and that nothing is lost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.importing.git_files import store_files
from tests.emulator.default_world import ANN, BOB, KIM
from tests.people import at, blocks, everything_kept, give_pat, sign_in
from tests.terminal import Terminal
from tests.watch import WATCH, new_password

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator

FILE = ("import", "--yes", "--vault", "file", "--no-git-config")


def git_stores(home: Home, url: str, secret: str, user: str) -> None:
    """Let real git hand a credential to its helper ``store``."""
    lines = f"url={url}\nusername={user}\npassword={secret}\n"
    assert home.git("credential-store", "store", given=lines).code == 0


def kept(home: Home) -> list[tuple[str, str]]:
    """Return name and organization of each PAT account."""
    pats = [dict(block) for block in blocks(home) if ("kind", "pat") in block]
    return [(block["name"], block["org[]"]) for block in pats]


def rows(result: Result) -> list[list[str]]:
    """Return the table's rows without its header, by columns."""
    return [re.split(r"\s{2,}", line) for line in result.lines[1:]]


@pytest.fixture
def pat(emulator: Emulator) -> str:
    """Return ann's PAT for contoso."""
    return emulator.world.new_pat(ANN, ["contoso"], "vso.code_write")


def test_without_anything_to_take_over_it_says_so(home: Home) -> None:
    """No vault is looked for, nothing is written."""
    result = home.azdo("import")
    assert (result.code, result.lines) == (0, ["Nothing was found for Azure DevOps or a registered server"])
    assert not home.registry.exists()


def test_what_git_stored_is_shown_then_copied_and_stays(home: Home, emulator: Emulator, pat: str) -> None:
    """The organization comes from the path, else from the user; hosts of others are never mentioned; get answers."""
    labs = emulator.world.new_pat(ANN, ["contoso-labs"], "vso.code")
    git_stores(home, "https://dev.azure.com/contoso/app/_git/app", pat, ANN)
    git_stores(home, "https://dev.azure.com", labs, "contoso-labs")
    git_stores(home, "https://github.com", new_password(), "octocat")
    git_stores(home, "https://dev.azure.com", new_password(), KIM)
    before = (home.folder / ".git-credentials").read_bytes()
    shown = home.azdo("import", "--dry-run")
    assert shown.lines[0].split() == ["WHERE", "WHAT", "FOR", "USER", "THEN"]
    assert [[row[2], row[-1]] for row in sorted(rows(shown), key=lambda row: row[2:])] == [
        ["-", "skip: it does not tell the organization (setup --pat --org ORG takes it)"],
        ["contoso", "copy"],
        ["contoso-labs", "copy"],
    ]
    assert all(row[0] == "~/.git-credentials" for row in rows(shown))
    assert "github" not in shown.out + shown.err
    assert not home.registry.exists()
    done = home.azdo(*FILE)
    assert (done.code, sorted(kept(home))) == (0, [(ANN, "contoso"), (ANN, "contoso-labs")])
    assert home.get(*at()).fields["password"] == pat
    assert home.get(*at("contoso-labs/app/_git/app")).fields["password"] == labs
    assert (home.folder / ".git-credentials").read_bytes() == before


def test_twice_makes_no_duplicates(home: Home, pat: str) -> None:
    """The second run names the account that has it, and asks nobody."""
    git_stores(home, "https://dev.azure.com/contoso", pat, ANN)
    home.azdo(*FILE)
    before = everything_kept(home)
    again = home.azdo(*FILE)
    assert (again.code, rows(again)[0][-1]) == (0, f"kept already as {ANN}")
    assert everything_kept(home) == before


def test_git_learns_of_us_unless_told_otherwise(home: Home, pat: str) -> None:
    """As with setup: previewed, and undone by setup --undo."""
    git_stores(home, "https://dev.azure.com/contoso", pat, ANN)
    result = home.azdo("import", "--yes", "--vault", "file")
    assert "setup --undo" in result.err
    assert "credential.https://dev.azure.com.helper" in home.git("config", "--list").out


def test_equal_entries_of_two_places_are_one(home: Home, emulator: Emulator, pat: str) -> None:
    """And of one person one account: another token of the same person is named and left."""
    other = emulator.world.new_pat(ANN, ["contoso"], "vso.code")
    for file in (".git-credentials", ".config/git/credentials"):
        (home.folder / file).parent.mkdir(parents=True, exist_ok=True)
        (home.folder / file).write_text(f"https://ann:{pat}@dev.azure.com/contoso\n")
    (home.folder / ".netrc").write_text(f"machine contoso.visualstudio.com login ann password {other}\n")
    (home.folder / ".netrc").chmod(0o600)
    result = home.azdo(*FILE)
    assert [(row[0], row[-1]) for row in rows(result)] == [
        ("~/.git-credentials", "copy"),
        ("~/.config/git/credentials", "the same as above"),
        ("~/.netrc", "copy"),
    ]
    assert f"Skipped: {ANN} (pat) serves contoso already" in result.err
    assert (kept(home), home.get(*at()).fields["password"]) == ([(ANN, "contoso")], pat)


def test_refused_tokens_are_named_and_skipped(home: Home, emulator: Emulator, pat: str) -> None:
    """Revoked, without the code scope, of an organization that does not exist; the good one is kept all the same."""
    revoked = emulator.world.new_pat(ANN, ["contoso-labs"], "vso.code")
    emulator.world.revoke(revoked)
    narrow = emulator.world.new_pat(BOB, ["fabrikam"], "vso.work")
    for organization, secret in (
        ("contoso-labs", revoked),
        ("fabrikam", narrow),
        ("nobody", narrow),
        ("contoso", pat),
    ):
        git_stores(home, f"https://dev.azure.com/{organization}", secret, ANN)
    result = home.azdo(*FILE)
    assert (result.code, kept(home)) == (0, [(ANN, "contoso")])
    assert result.err.count("skipped the token in ~/.git-credentials") == 3
    assert "contoso-labs does not accept it: expired, revoked" in result.err


def test_an_organization_that_cannot_be_asked_fails_and_costs_nobody_else(
    home: Home, emulator: Emulator, pat: str
) -> None:
    """Exit code 1, so that a script tries again."""
    git_stores(home, "https://dev.azure.com/contoso", pat, ANN)
    git_stores(home, "https://dev.azure.com/contoso-labs", emulator.world.new_pat(ANN, None, "vso.code"), ANN)
    emulator.refuse("dev.azure.com/contoso-labs")
    result = home.azdo(*FILE)
    assert (result.code, kept(home)) == (1, [(ANN, "contoso")])
    assert "cannot reach dev.azure.com" in result.err


def test_who_answers_for_an_organization_stays(home: Home, emulator: Emulator, pat: str) -> None:
    """The same person's token is not needed; another person's is kept and does not take the lead."""
    sign_in(home, emulator.world, ANN, "contoso", "contoso-labs")
    emulator.world.organizations["contoso-labs"].members[BOB] = "write"
    git_stores(home, "https://dev.azure.com/contoso", pat, ANN)
    git_stores(home, "https://dev.azure.com/contoso-labs", emulator.world.new_pat(BOB, None, "vso.code"), BOB)
    labs = at("contoso-labs/app/_git/app")
    before = home.get(*labs).fields
    result = home.azdo(*FILE)
    assert f"Skipped: {ANN} (oauth) serves contoso already" in result.err
    assert (kept(home), home.get(*labs).fields) == ([(BOB, "contoso-labs")], before)


def test_of_two_peoples_tokens_the_first_answers(home: Home, emulator: Emulator, pat: str) -> None:
    """git would stop if both fitted equally; a user in the address still finds the second."""
    emulator.world.organizations["contoso"].members[BOB] = "write"
    second = emulator.world.new_pat(BOB, None, "vso.code")
    (home.folder / ".git-credentials").write_text(
        f"https://a:{pat}@dev.azure.com/contoso\nhttps://b:{second}@dev.azure.com/contoso/app/_git/app\n"
    )
    home.azdo(*FILE)
    assert sorted(kept(home)) == [(ANN, "contoso"), (BOB, "contoso")]
    answers = [home.get(*at()).fields, home.get(*at(username=BOB)).fields]
    assert [fields["password"] for fields in answers] == [pat, second]


def test_registered_servers_get_typed_credentials(file_home: Home) -> None:
    """Any bytes of a password survive; a server that is not registered is somebody else's; twice is once."""
    secret = new_password() + "ü:@/ %"
    assert file_home.azdo("server", "add", "https://tfs.example.com", "--vault", "file").code == 0
    git_stores(file_home, "https://tfs.example.com", secret, "DOMAIN\\ann")
    git_stores(file_home, "https://tfs2.example.com", new_password(), "ann")
    result = file_home.azdo(*FILE)
    assert [row[2:] for row in rows(result)] == [["https://tfs.example.com", "DOMAIN\\ann", "copy"]]
    fields = file_home.get("protocol=https", "host=tfs.example.com").fields
    assert (fields["username"], fields["password"]) == ("DOMAIN\\ann", secret)
    assert rows(file_home.azdo(*FILE))[0][-1] == "kept already"


def test_a_token_in_the_users_place_is_found_and_never_shown(home: Home, pat: str) -> None:
    """People write https://TOKEN@dev.azure.com; the watch on secrets reads what is printed."""
    (home.folder / ".git-credentials").write_text(
        f"https://{pat}:@dev.azure.com/contoso\nno address\nhttps://x\n"
    )
    result = home.azdo(*FILE)
    assert (kept(home), rows(result)[0][3]) == ([(ANN, "contoso")], "-")


def test_access_tokens_and_tokens_that_we_have_are_not_worth_copying(home: Home, pat: str) -> None:
    """The first end within hours."""
    give_pat(home, pat, ANN, "contoso")
    jwt = WATCH.remember(f"eyJ{new_password(60)}")
    (home.folder / ".git-credentials").write_text(
        f"https://a:{jwt}@dev.azure.com/contoso\nhttps://a:{pat}@dev.azure.com/contoso\n"
        f"https://a:{pat}@dev.azure.com/con%20toso\n"
    )
    assert [row[-1].partition(" (")[0] for row in rows(home.azdo(*FILE))] == [
        "skip: it ends within hours",
        f"kept already as {ANN}",
        "skip: no name of an organization",
    ]


def test_nothing_is_copied_without_a_yes(home: Home, pat: str) -> None:
    """In a pipe the way to say yes is named; on a terminal it asks."""
    git_stores(home, "https://dev.azure.com/contoso", pat, ANN)
    assert "git credential-azdo import --yes" in home.azdo("import", "--vault", "file").err
    with Terminal(home, "import", "--vault", "file") as terminal:
        terminal.see(r"Copy 1\?")
        terminal.type("n\r")
        assert terminal.ended() == 0
    assert not home.registry.exists()
    with Terminal(home, "import", "--vault", "file", "--no-git-config") as terminal:
        terminal.see(r"Copy 1\?")
        terminal.type("\r")
        assert terminal.ended() == 0
    assert kept(home) == [(ANN, "contoso")]


def test_without_a_vault_nothing_is_copied(home: Home, pat: str) -> None:
    """The file is never taken by itself."""
    git_stores(home, "https://dev.azure.com/contoso", pat, ANN)
    result = home.azdo("import", "--yes")
    assert (result.code, home.registry.exists()) == (1, False)
    assert "--vault file" in result.err


def test_files_that_cannot_be_read_cost_one_line_that_quotes_nothing(home: Home, pat: str) -> None:
    """The others are read; git's settings tell of more files."""
    secret = new_password()
    (home.folder / ".netrc").write_text(f"machin dev.azure.com login a password {secret}\n")
    (home.folder / ".config/git/credentials").mkdir(parents=True)
    (home.folder / "mine").write_text(f"https://a:{pat}@dev.azure.com/contoso\n")
    home.git("config", "--global", "credential.helper", "store --file=~/mine")
    result = home.azdo("import", "--dry-run")
    assert [row[0] for row in rows(result)] == ["~/mine"]
    assert "cannot read ~/.netrc: it is not of the documented form" in result.err
    assert "cannot read ~/.config/git/credentials: " in result.err


def test_the_azure_clis_sign_in_is_offered(home: Home) -> None:
    """Named by its profile, which holds no secret; an odd profile is none."""
    profile = home.folder / ".azure" / "azureProfile.json"
    profile.parent.mkdir()
    profile.write_text('\ufeff{"subscriptions": [{"user": {"name": "ann@contoso.com"}}, {"user": null}, 1]}')
    assert home.azdo("import").lines[1:] == [
        "The Azure CLI is signed in as ann@contoso.com; to use that:",
        "  git credential-azdo setup --azure-cli",
    ]
    profile.write_text("[]")
    assert len(home.azdo("import").lines) == 1


def test_where_git_keeps_its_lines_is_read_as_git_reads_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Both spellings of --file, by name or by path; other helpers name no file."""
    from git_credential_azdo.git.config import Entry

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    helpers = [
        "store --file=/a",
        "/usr/lib/git-core/git-credential-store --file /b",
        "cache --file=/c",
        "'",
        "store",
    ]
    settings = [Entry("global", "x", "credential.helper", helper) for helper in helpers]
    assert store_files(settings) == [
        f"{tmp_path}/.git-credentials",
        f"{tmp_path}/.config/git/credentials",
        "/a",
        "/b",
    ]
