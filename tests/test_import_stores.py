"""``import`` from other programs' stores, filled by the real programs where they run here: the Secret Service, ``pass``,
Git Credential Manager's plain files. Nothing is ever unlocked.
"""  # noqa: D205 - one sentence

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN
from tests.keyrings import missing
from tests.people import at
from tests.test_import import FILE, kept, rows
from tests.watch import new_password

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator
    from tests.keyrings import PrivateKeyring

GCM_KEYRING = "Git Credential Manager (keyring)"
LIBSECRET = "git-credential-libsecret (keyring)"
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
def tool(keyring_home: Home) -> Iterator[Home]:
    """Return a home with ``secret-tool``; what it stored for dev.azure.com and example.com is cleared afterwards."""
    if missing("secret-tool"):
        pytest.skip(f"Debian packages missing: {missing('secret-tool')}")
    yield keyring_home
    for attribute in ("account", "user"):
        keyring_home.run("secret-tool", "clear", attribute, ANN)


def tool_stores(home: Home, secret: str, **attributes: str) -> None:
    """Store a secret under these attributes; ``schema`` is the libsecret schema's name."""
    words = ["secret-tool", "store", "--label=a test", "xdg:schema", attributes.pop("schema")]
    words += [word for pair in attributes.items() for word in pair]
    assert home.run(*words, given=secret).code == 0


def run(home: Home, *words: str) -> Result:
    """Run ``import`` without writing git's configuration."""
    return home.azdo(*(words or FILE))


def test_git_credential_managers_keyring_items_are_taken_over(tool: Home, emulator: Emulator) -> None:
    """By its schema; the account is the user, the address the organization; the older host, too."""
    pat = emulator.world.new_pat(ANN, ["contoso"], "vso.code")
    labs = emulator.world.new_pat(ANN, ["contoso-labs"], "vso.code")
    schema = "com.microsoft.GitCredentialManager"
    tool_stores(tool, pat, schema=schema, service="git:https://dev.azure.com/contoso", account=ANN)
    tool_stores(tool, labs, schema=schema, service="git:https://contoso-labs.visualstudio.com", account=ANN)
    tool_stores(tool, new_password(), schema=schema, service="git:https://github.com", account=ANN)
    result = run(tool)
    assert sorted(row[:2] + row[2:] for row in rows(result)) == [
        [GCM_KEYRING, "personal access token", "contoso", ANN, "copy"],
        [GCM_KEYRING, "personal access token", "contoso-labs", ANN, "copy"],
    ]
    assert sorted(kept(tool)) == [(ANN, "contoso"), (ANN, "contoso-labs")]
    assert tool.get(*at()).fields["password"] == pat


def test_gits_c_helpers_items_are_taken_over(
    tool: Home, emulator: Emulator, libsecret: Path, private_keyring: PrivateKeyring
) -> None:
    """As the C helper writes them, with a port and a path; and as git 2.41 and newer do, with an end."""
    pat = emulator.world.new_pat(ANN, ["contoso"], "vso.code")
    labs = emulator.world.new_pat(ANN, ["contoso-labs"], "vso.code")
    secret = new_password()
    assert tool.azdo("server", "add", "https://tfs.example.com:8443", "--vault", "file").code == 0
    for lines in (
        f"protocol=https\nhost=dev.azure.com\npath=contoso/app/_git/app\nusername={ANN}\npassword={pat}\n",
        f"protocol=https\nhost=tfs.example.com:8443\nusername={ANN}\npassword={secret}\n",
        f"protocol=https\nhost=github.com\nusername={ANN}\npassword={new_password()}\n",
    ):
        assert tool.run(libsecret, "store", given=lines, secret_out=True).code == 0  # this one repeats it
    newer = {"schema": "org.git.Password", "protocol": "https", "server": "dev.azure.com", "user": ANN}
    tool_stores(
        tool, f"{labs}\npassword_expiry_utc=4102444800\nx", **newer, object="contoso-labs/app/_git/app"
    )
    tool_stores(tool, f"{new_password()}\npassword_expiry_utc=1", **newer, object="fabrikam/app/_git/app")
    result = run(tool)
    assert sorted(row[2] for row in rows(result)) == [
        "contoso",
        "contoso-labs",
        "https://tfs.example.com:8443",
    ]
    assert {row[0] for row in rows(result)} == {LIBSECRET}
    assert tool.get(*at()).fields["password"] == pat
    assert tool.get(*at("contoso-labs/app/_git/app")).fields["password_expiry_utc"] == "4102444800"
    assert tool.get("protocol=https", "host=tfs.example.com:8443").fields["password"] == secret
    private_keyring.lock()
    try:
        locked = run(tool, "import", "--dry-run")
    finally:
        private_keyring.unlock()
    assert (locked.code, len(locked.lines)) == (0, 1)
    assert "locked" in locked.err
    assert "git credential-azdo unlock" in locked.err


def test_git_credential_managers_plain_files_are_taken_over(home: Home, emulator: Emulator) -> None:
    """Laid out as it documents; what is not text costs a line, what is another host's is not opened."""
    pat = emulator.world.new_pat(ANN, ["contoso"], "vso.code")
    store = home.folder / ".gcm" / "store" / "git" / "https"
    for place, content in {
        f"dev.azure.com/contoso/{ANN}.credential": f"{pat}\nservice=https://dev.azure.com/contoso\naccount={ANN}".encode(),
        f"dev.azure.com/contoso-labs/{ANN}.credential": b"\xff\xfe",
        "github.com/octocat.credential": b"\xff\xfe",
    }.items():
        (store / place).parent.mkdir(parents=True, exist_ok=True)
        (store / place).write_bytes(content)
    result = run(home)
    assert rows(result) == [
        ["Git Credential Manager (plain files)", "personal access token", "contoso", ANN, "copy"]
    ]
    assert kept(home) == [(ANN, "contoso")]
    assert result.err.count("cannot read git/https/dev.azure.com/contoso-labs") == 1
    assert "github" not in result.err


class Pass:
    """A store of ``pass`` with a key of its own; its passphrase is known to nobody but gpg's agent, if at all."""

    def __init__(self, home: Home, gnupg: Path, passphrase: str) -> None:
        self.home = home
        home.environment["GNUPGHOME"] = str(gnupg)
        words = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", passphrase]
        made = home.run(
            *words, "--quick-generate-key", "Test <test@example.com>", "future-default", "default", "never"
        )
        assert made.code == 0, made
        assert home.run("pass", "init", "test@example.com").code == 0

    def insert(self, name: str, text: str) -> None:
        """Let ``pass`` encrypt an entry."""
        assert self.home.run("pass", "insert", "--multiline", name, given=text).code == 0


@pytest.fixture
def gnupg(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder for gpg, whose agent ends with the test; the name is short, since a socket lies in it."""
    if shutil.which("pass") is None or shutil.which("gpg") is None:
        pytest.skip("Debian packages missing: pass gnupg")
    folder = tmp_path_factory.mktemp("g")
    folder.chmod(0o700)
    (folder / "gpg-agent.conf").write_text(
        "s2k-count 65536\n"
    )  # else it measures the machine for seconds first
    yield folder
    home.run("gpgconf", "--kill", "all", GNUPGHOME=str(folder))


def test_git_credential_managers_entries_of_pass_are_taken_over(
    home: Home, emulator: Emulator, gnupg: Path
) -> None:
    """By the real ``pass``; other entries of it are not decrypted."""
    pat = emulator.world.new_pat(ANN, ["contoso"], "vso.code")
    store = Pass(home, gnupg, "")
    store.insert(
        f"git/https/dev.azure.com/contoso/{ANN}",
        f"{pat}\nservice=git:https://dev.azure.com/contoso\naccount={ANN}\n",
    )
    store.insert("git/https/github.com/octocat", new_password())
    store.insert("bank", new_password())
    result = run(home)
    assert rows(result) == [
        ["Git Credential Manager (pass)", "personal access token", "contoso", ANN, "copy"]
    ]
    assert (kept(home), result.code) == ([(ANN, "contoso")], 0)


def test_a_locked_key_of_pass_is_one_line_and_no_dialog(home: Home, gnupg: Path) -> None:
    """gpg is told to refuse; the other places are read all the same."""
    store = Pass(home, gnupg, new_password())
    home.run("gpgconf", "--kill", "gpg-agent")
    for organization in ("contoso", "contoso-labs"):
        store.insert(f"git/https/dev.azure.com/{organization}/{ANN}", new_password())
    (home.folder / ".git-credentials").write_text(f"https://ann:{new_password()}@dev.azure.com/contoso\n")
    result = run(home, "import", "--dry-run")
    assert [row[0] for row in rows(result)] == ["~/.git-credentials"]
    assert result.err.count("cannot decrypt without asking") == 1
    assert f"pass show git/https/dev.azure.com/contoso/{ANN}" in result.err


def test_a_store_of_pass_without_pass_is_one_line(home: Home) -> None:
    """Its entries are not forgotten."""
    entry = home.folder / ".password-store/git/https/dev.azure.com/contoso" / f"{ANN}.gpg"
    entry.parent.mkdir(parents=True)
    entry.write_bytes(b"")
    programs = home.folder / "bin"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git") or "")
    result = home.azdo("import", PATH=str(programs))
    assert (result.code, len(result.lines)) == (0, 1)
    assert "no program pass" in result.err
