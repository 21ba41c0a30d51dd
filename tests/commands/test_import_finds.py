"""``import``: what is a find and what is not, and where organizations come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN, BOB
from tests.support.importing import FILE, git_stores, kept, rows
from tests.support.marks import git
from tests.support.people import give_pat, sign_in
from tests.support.watch import WATCH, new_password

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator


pytestmark = pytest.mark.usefixtures("emulator")


def test_registered_servers_get_typed_credentials(file_home: Home) -> None:
    """Any bytes of a password survive; of several the first stays first; a server not registered is somebody else's."""
    secret, other = new_password() + "ü:@/ %", new_password()
    assert file_home.azdo("server", "add", "https://tfs.example.com", "--vault", "file").code == 0
    git_stores(file_home, "https://tfs.example.com", other, "bob")
    git_stores(file_home, "https://tfs.example.com", secret, "DOMAIN\\ann")
    git_stores(file_home, "https://tfs2.example.com", new_password(), "ann")
    result = file_home.azdo(*FILE)
    assert [row[1:] for row in rows(result)] == [
        ["https://tfs.example.com", "DOMAIN\\ann", "import"],
        ["https://tfs.example.com", "bob", "import"],
    ]
    fields = file_home.get("protocol=https", "host=tfs.example.com").fields
    assert (fields["username"], fields["password"]) == ("DOMAIN\\ann", secret)
    fields = file_home.get("protocol=https", "host=tfs.example.com", "username=bob").fields
    assert fields["password"] == other
    assert {row[-1] for row in rows(file_home.azdo(*FILE))} == {"imported already"}


def test_a_token_in_the_users_place_is_found_and_never_shown(home: Home, anns_pat: str) -> None:
    """People write https://TOKEN@dev.azure.com; the watch on secrets reads what is printed."""
    (home.folder / ".git-credentials").write_text(
        f"https://{anns_pat}:@dev.azure.com/contoso\nno address\nhttps://x\n"
    )
    result = home.azdo(*FILE)
    assert (kept(home), rows(result)) == ([(ANN, "contoso")], [["store", "contoso", ANN, "import"]])


def test_a_token_without_any_organization_is_not_one_and_is_not_printed(home: Home, anns_pat: str) -> None:
    """Neither in the user's place nor in the path's: it would be asked about at an address of its name."""
    (home.folder / ".git-credentials").write_text(
        f"https://{anns_pat}:x@dev.azure.com\nhttps://ann:x@dev.azure.com/{anns_pat}\n"
    )
    result = home.azdo("import", "--vault", "file", "--dry-run")
    assert result.lines == ["Found nothing to import"]
    assert "import --org ORGANIZATION" in result.err


@pytest.mark.parametrize(
    "name",
    [
        "https%3A%2F%2Fevil.test%2Fx",
        "con%20toso",
        "con%1b]0;toso",
        "evil.test",
        "-contoso",
        "o" * 51,
        "..%2f",
        "ⓒontoso",
    ],
)
def test_what_cannot_be_an_organizations_name_is_passed_over_in_silence(
    home: Home,
    anns_pat: str,
    name: str,
) -> None:
    """Wherever it stands: it is neither printed nor asked about."""
    (home.folder / ".git-credentials").write_text(
        f"https://a:{anns_pat}@dev.azure.com/{name}\nhttps://{name}:{anns_pat}@dev.azure.com\n"
    )
    home.git("init", "-q")
    home.git("remote", "add", "origin", f"https://dev.azure.com/{name}/p/_git/r")
    home.git("config", "--global", f"credential.azrepos:org/{name}.username", ANN)
    result = home.azdo("import", "--vault", "file", "--dry-run")
    assert result.lines == ["Found nothing to import"]
    assert result.err.splitlines() == [
        "git-credential-azdo: hint: no organization is known here: git credential-azdo import --org ORGANIZATION"
    ]


@git
def test_access_tokens_and_tokens_that_we_have_are_not_worth_keeping(home: Home, anns_pat: str) -> None:
    """The first end within hours; a password of other letters is no token."""
    give_pat(home, anns_pat, ANN, "contoso")
    jwt, odd = WATCH.remember(f"eyJ{new_password(60)}"), new_password() + "ü"
    (home.folder / ".git-credentials").write_text(
        f"https://a:{jwt}@dev.azure.com/contoso\nhttps://b:{anns_pat}@dev.azure.com/contoso\n"
        f"https://c:{odd}@dev.azure.com/contoso\n"
    )
    assert [row[2:] for row in rows(home.azdo(*FILE))] == [
        ["a", "skip: access token, it expires within hours"],
        ["b", f"already imported as {ANN}"],
        ["c", "skip: not a token"],
    ]


def test_organizations_of_remotes_accounts_and_bindings_are_asked_about(
    home: Home, emulator: Emulator
) -> None:
    """Without useHttpPath git stores no path, and any user: the organization says whether the token is good for it."""
    labs = emulator.world.new_pat(ANN, ["contoso-labs"], "vso.code")
    git_stores(home, "https://dev.azure.com", labs, "whatever")
    sign_in(home, emulator.world, BOB, "fabrikam")
    home.git("init", "-q")
    home.git("remote", "add", "origin", "git@ssh.dev.azure.com:v3/contoso/app/app")
    home.git("config", "--global", "credential.azrepos:org/Contoso-Labs.username", ANN)
    result = home.azdo(*FILE)
    assert "Asking store about whatever, contoso-labs, contoso, fabrikam" in result.err
    assert rows(result) == [["store", "contoso-labs", ANN, "import"]]
    assert kept(home) == [(ANN, "contoso-labs")]


def test_an_answer_for_the_host_that_is_another_organizations_is_no_find(
    home: Home, emulator: Emulator, anns_pat: str
) -> None:
    """``store`` answers the host alone with anything it has for it; what no organization accepts is named once."""
    git_stores(home, "https://dev.azure.com/contoso", anns_pat, ANN)
    for name in ("fabrikam", "contoso-labs"):
        home.git("config", "--global", f"credential.azrepos:org/{name}.username", ANN)
    assert rows(home.azdo("import", "--vault", "file", "--dry-run")) == [["store", "contoso", ANN, "import"]]
    emulator.world.revoke(anns_pat)
    assert rows(home.azdo("import", "--vault", "file", "--dry-run")) == [
        ["store", "contoso", ANN, "skip: refused"]
    ]
    (home.folder / ".git-credentials").write_text(f"https://ann%40contoso.com:{anns_pat}@dev.azure.com\n")
    result = home.azdo("import", "--vault", "file", "--dry-run")
    assert [row[2:] for row in rows(result)] == [[ANN, "skip: refused"]]
    assert result.err.count("does not accept this token") == 1


def test_named_organizations_are_the_only_ones(home: Home, emulator: Emulator, anns_pat: str) -> None:
    """By name or address, in any spelling; the columns name whose the token is, once that is known."""
    labs = emulator.world.new_pat(ANN, ["contoso-labs"], "vso.code")
    git_stores(home, "https://dev.azure.com/contoso", anns_pat, ANN)
    git_stores(home, "https://dev.azure.com/contoso-labs", labs, ANN)
    result = home.azdo(
        "import", "--vault", "file", "--dry-run", "--org", "https://dev.azure.com/Contoso-Labs"
    )
    assert [row[1] for row in rows(result)] == ["contoso-labs"]
    (home.folder / ".git-credentials").write_text("")
    result = home.azdo("import", "--vault", "file", "--dry-run", "--org", "fabrikam", "--org", "contoso")
    assert result.lines == ["Found nothing to import"]
    assert "Asking store about fabrikam, contoso" in result.err


def test_an_address_that_git_would_not_pass_on_costs_nothing_else(home: Home, anns_pat: str) -> None:
    """A line end in a path, or more than git's protocol takes: the organization is asked about without it."""
    git_stores(home, "https://dev.azure.com/contoso", anns_pat, ANN)
    home.git("init", "-q")
    for number, path in enumerate(("a%0ahost=evil.test/_git/x", "x" * 70_000, "%ff/_git/x", "%00")):
        home.git("remote", "add", f"r{number}", f"https://dev.azure.com/contoso/{path}")
    result = home.azdo("import", "--vault", "file", "--dry-run")
    assert rows(result) == [["store", "contoso", ANN, "import"]]
    assert result.err == "Asking store about contoso\n"


def test_a_repository_with_many_remotes_does_not_cost_many_processes(home: Home, anns_pat: str) -> None:
    """Each name costs a run of each helper; how to name the others is said."""
    git_stores(home, "https://dev.azure.com/contoso", anns_pat, ANN)
    home.git("init", "-q")
    remotes = "".join(f'[remote "r{n}"]\n\turl = https://dev.azure.com/org-{n}/p/_git/r\n' for n in range(60))
    with (home.folder / ".git" / "config").open("a") as config:
        config.write(remotes)
    result = home.azdo("import", "--vault", "file", "--dry-run")
    assert rows(result) == [["store", "contoso", ANN, "import"]]
    assert "asking only about 50 of 61 organizations" in result.err
    assert "git credential-azdo import --org ORGANIZATION" in result.err
