"""``import``: what git's other helpers answer is shown, checked, kept or skipped; the preview is true; nothing is lost."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN, BOB, KIM
from tests.support.importing import FILE, git_stores, rows, saved
from tests.support.killed import killed_everywhere
from tests.support.marks import git
from tests.support.people import at, everything_saved, give_pat, sign_in
from tests.support.terminal import Terminal
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator


pytestmark = pytest.mark.usefixtures("emulator")


def test_where_no_organization_is_known_it_says_how_to_name_one(home: Home) -> None:
    """No vault is looked for, nothing is written."""
    result = home.azdo("import")
    assert (result.code, result.lines) == (0, ["Found nothing to import"])
    assert "git credential-azdo import --org ORGANIZATION" in result.err
    assert not home.accounts_file.exists()


def test_what_git_stored_is_shown_then_imported_and_stays(
    home: Home, emulator: Emulator, anns_pat: str
) -> None:
    """The organization comes from the path, the user or the older host; other hosts are never mentioned; get answers."""
    labs = emulator.world.new_pat(ANN, ["contoso-labs"], "vso.code")
    fabrikam = emulator.world.new_pat(BOB, ["fabrikam"], "vso.code")
    git_stores(home, "https://dev.azure.com/contoso/app/_git/app", anns_pat, ANN)
    git_stores(home, "https://dev.azure.com", labs, "contoso-labs")
    git_stores(home, "https://fabrikam.visualstudio.com", fabrikam, BOB)
    git_stores(home, "https://github.com", new_password(), "octocat")
    before = (home.folder / ".git-credentials").read_bytes()
    shown = home.azdo("import", "--vault", "file", "--dry-run")
    assert shown.lines[0].split() == ["HELPER", "FOR", "USER", "THEN"]
    assert sorted(rows(shown)) == [
        ["store", "contoso", ANN, "import"],
        ["store", "contoso-labs", ANN, "import"],
        ["store", "fabrikam", BOB, "import"],
    ]
    assert "github" not in shown.out + shown.err
    assert not home.accounts_file.exists()
    done = home.azdo(*FILE)
    assert (done.code, done.out) == (0, shown.out)
    assert sorted(saved(home)) == [(ANN, "contoso"), (ANN, "contoso-labs"), (BOB, "fabrikam")]
    assert home.get(*at()).fields["password"] == anns_pat
    assert home.get(*at("contoso-labs/app/_git/app")).fields["password"] == labs
    assert (home.folder / ".git-credentials").read_bytes() == before


def test_the_preview_is_what_the_run_does(home: Home, emulator: Emulator, anns_pat: str) -> None:
    """The token of each row is asked for in both: what an organization refuses is no surprise, nor a failure."""
    revoked = emulator.world.new_pat(ANN, ["contoso-labs"], "vso.code")
    emulator.world.revoke(revoked)
    narrow = emulator.world.new_pat(BOB, ["fabrikam"], "vso.work")
    second = emulator.world.new_pat(ANN, ["contoso"], "vso.code")
    for path, secret in (
        ("contoso", second),
        ("contoso/app/_git/app", anns_pat),
        ("contoso-labs", revoked),
        ("fabrikam", narrow),
        ("no-such-place", narrow),
    ):
        git_stores(home, f"https://dev.azure.com/{path}", secret, "any")
    shown = home.azdo("import", "--vault", "file", "--dry-run")
    assert sorted((row[1], row[-1]) for row in rows(shown)) == [
        ("contoso", "import"),
        ("contoso", f"skip: another token of {ANN} is imported"),
        ("contoso-labs", "skip: refused"),
        ("fabrikam", "skip: refused"),
        ("no-such-place", "skip: refused"),
    ]
    assert not home.accounts_file.exists()
    done = home.azdo(*FILE)
    assert (done.code, done.out) == (shown.code, shown.out) == (0, shown.out)
    assert saved(home) == [(ANN, "contoso")]
    assert f"Imported for contoso: {ANN}" in done.err
    assert "the organization contoso-labs does not accept this token" in done.err


def test_twice_makes_no_duplicates(home: Home, anns_pat: str) -> None:
    """The second run names the account that has it, and writes nothing."""
    git_stores(home, "https://dev.azure.com/contoso", anns_pat, ANN)
    home.azdo(*FILE)
    before = everything_saved(home)
    again = home.azdo(*FILE)
    assert (again.code, rows(again)[0][-1]) == (0, f"already imported as {ANN}")
    assert everything_saved(home) == before


def test_import_configures_git_and_still_asks_the_other_helpers(home: Home, anns_pat: str) -> None:
    """As with setup: previewed, and undone by unconfigure. Our sections hide the other helpers from git, not from us."""
    home.git("config", "--global", "credential.helper", "store --file ~/mine")
    (home.folder / "mine").write_text(f"https://ann:{anns_pat}@dev.azure.com/contoso\n")
    result = home.azdo("import", "--yes", "--vault", "file")
    assert "git credential-azdo unconfigure" in result.err
    assert "credential.https://dev.azure.com.helper" in home.git("config", "--list").out
    assert rows(home.azdo("import", "--vault", "file", "--dry-run")) == [
        ["store", "contoso", "ann", f"already imported as {ANN}"]
    ]


def test_one_token_of_two_places_is_one_account(home: Home, emulator: Emulator) -> None:
    """Whether a helper has it twice, or the token is good for two organizations."""
    both = emulator.world.new_pat(ANN, None, "vso.code")
    lines = [
        f"https://ann:{both}@dev.azure.com/{path}\n" for path in ("contoso", "contoso/x", "contoso-labs")
    ]
    for file in (".git-credentials", "copy"):
        (home.folder / file).write_text("".join(lines))
    home.git("config", "--global", "--add", "credential.helper", f"store --file={home.folder}/copy")
    result = home.azdo(*FILE)
    assert [row[1] for row in rows(result)] == ["contoso", "contoso-labs"]
    assert saved(home) == [(ANN, "contoso", "contoso-labs")]


def test_an_organization_that_cannot_be_asked_fails_and_the_others_are_imported(
    home: Home, emulator: Emulator, anns_pat: str
) -> None:
    """Exit code 1, in the preview too, so that a script tries again."""
    git_stores(home, "https://dev.azure.com/contoso", anns_pat, ANN)
    git_stores(home, "https://dev.azure.com/contoso-labs", emulator.world.new_pat(ANN, None, "vso.code"), ANN)
    emulator.refuse("dev.azure.com/contoso-labs")
    assert home.azdo("import", "--vault", "file", "--dry-run").code == 1
    result = home.azdo(*FILE)
    assert (result.code, saved(home)) == (1, [(ANN, "contoso")])
    assert ["contoso-labs", ANN, "not checked"] in [row[1:] for row in rows(result)]
    assert "cannot reach dev.azure.com" in result.err


def test_who_answers_for_an_organization_stays(home: Home, emulator: Emulator, anns_pat: str) -> None:
    """The same person's token is not needed; another person's is kept and does not take the lead."""
    sign_in(home, emulator.world, ANN, "contoso", "contoso-labs")
    emulator.world.organizations["contoso-labs"].members[BOB] = "write"
    git_stores(home, "https://dev.azure.com/contoso", anns_pat, ANN)
    git_stores(home, "https://dev.azure.com/contoso-labs", emulator.world.new_pat(BOB, None, "vso.code"), BOB)
    labs = at("contoso-labs/app/_git/app")
    before = home.get(*labs).fields
    result = home.azdo(*FILE)
    assert ["contoso", ANN, f"skip: {ANN} (oauth) serves it"] in [row[1:] for row in rows(result)]
    assert (saved(home), home.get(*labs).fields) == ([(BOB, "contoso-labs")], before)


def test_an_organization_without_a_choice_stays_undecided(
    home: Home, emulator: Emulator, anns_pat: str
) -> None:
    """Two accounts list it already: a third from another helper must not be taken without a word."""
    for person in (BOB, KIM):
        emulator.world.organizations["contoso"].members[person] = "write"
        give_pat(home, emulator.world.new_pat(person, ["contoso"], "vso.code"), person, "contoso")
    git_stores(home, "https://dev.azure.com/contoso", anns_pat, ANN)
    home.azdo(*FILE)
    assert (ANN, "contoso") in saved(home)
    assert home.get(*at()).out == "quit=1\n"


@git
def test_of_two_peoples_tokens_the_first_answers(home: Home, emulator: Emulator, anns_pat: str) -> None:
    """git would stop if both fitted equally; a user in the address still finds the second."""
    emulator.world.organizations["contoso"].members[BOB] = "write"
    second = emulator.world.new_pat(BOB, None, "vso.code")
    (home.folder / ".git-credentials").write_text(
        f"https://a:{anns_pat}@dev.azure.com/contoso\nhttps://b:{second}@dev.azure.com/contoso/app/_git/app\n"
    )
    home.azdo(*FILE)
    assert sorted(saved(home)) == [(ANN, "contoso"), (BOB, "contoso")]
    answers = [home.get(*at()).fields, home.get(*at(username=BOB)).fields]
    assert [fields["password"] for fields in answers] == [anns_pat, second]


def test_nothing_is_imported_without_a_yes(home: Home, anns_pat: str) -> None:
    """In a pipe the way to say yes is named; on a terminal it asks."""
    git_stores(home, "https://dev.azure.com/contoso", anns_pat, ANN)
    assert "git credential-azdo import --vault file --yes" in home.azdo("import", "--vault", "file").err
    with Terminal(home, "import", "--vault", "file") as terminal:
        terminal.see(r"Import 1\?")
        terminal.type("n\r")
        assert terminal.ended() == 0
    assert not home.accounts_file.exists()
    with Terminal(home, "import", "--vault", "file", "--no-git-config") as terminal:
        terminal.see(r"Import 1\?")
        terminal.type("\r")
        assert terminal.ended() == 0
    assert saved(home) == [(ANN, "contoso")]


def test_without_a_vault_nothing_is_imported(home: Home, anns_pat: str) -> None:
    """The file is never taken by itself."""
    git_stores(home, "https://dev.azure.com/contoso", anns_pat, ANN)
    result = home.azdo("import", "--yes")
    assert (result.code, home.accounts_file.exists()) == (1, False)
    assert "--vault file" in result.err


def test_a_preview_without_a_keyring_fails_as_the_run_would(home: Home, anns_pat: str) -> None:
    """What is shown as importable could not be saved."""
    git_stores(home, "https://dev.azure.com/contoso", anns_pat, ANN)
    preview, run = (home.azdo("import", mode) for mode in ("--dry-run", "--yes"))
    # The cure is the command that was run, with another vault.
    assert (preview.code, preview.err, preview.out) == (
        run.code,
        run.err.replace("--yes", "--dry-run"),
        run.out,
    )
    assert "--vault file" in preview.err


def test_a_file_of_store_that_cannot_be_read_costs_one_line(home: Home, anns_pat: str) -> None:
    """The others are read; git's settings tell of more files."""
    (home.folder / ".config/git/credentials").mkdir(parents=True)
    (home.folder / "mine").write_text(f"https://a:{anns_pat}@dev.azure.com/contoso\n")
    home.git("config", "--global", "credential.helper", "store --file ~/mine")
    result = home.azdo("import", "--vault", "file", "--dry-run")
    assert [row[1:] for row in rows(result)] == [["contoso", ANN, "import"]]
    assert f"cannot read {home.folder}/.config/git/credentials: " in result.err


def test_killed_anywhere_it_leaves_nothing_or_everything(
    home: Home, emulator: Emulator, anns_pat: str
) -> None:
    """Two people's tokens for one organization would stop get if only the accounts were written, and not who leads."""
    emulator.world.organizations["contoso"].members[BOB] = "write"
    second = emulator.world.new_pat(BOB, None, "vso.code")
    (home.folder / ".git-credentials").write_text(
        f"https://a:{anns_pat}@dev.azure.com/contoso\nhttps://b:{second}@dev.azure.com/contoso/app/_git/app\n"
    )
    outcomes = []
    for _ in killed_everywhere(home, *FILE):
        outcomes.append(sorted(saved(home)))
        answer = home.get(*at(), AZDO_YIELD="1").fields
        assert answer.get("password", "") == (anns_pat if saved(home) else "")
        shutil.rmtree(home.accounts_file.parent, ignore_errors=True)
    whole = [(ANN, "contoso"), (BOB, "contoso")]
    assert outcomes.count([]) > 3  # two secrets, the salt, the accounts
    assert outcomes[-1] == whole
    assert all(outcome in ([], whole) for outcome in outcomes)
