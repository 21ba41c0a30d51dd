"""files.py and ownership.py by the verbs: what somebody else could have changed is not believed, and the line cures."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo import ownership
from git_credential_azdo.files import read_own
from git_credential_azdo.lock import Lock
from git_credential_azdo.ownership import Unsafe
from git_credential_azdo.writing import write_own
from tests.conftest import Home, Result
from tests.emulator.default_world import ANN
from tests.rules.test_module_budget import TENANT, warm
from tests.support.people import STALE, assert_refused, at, everything_kept, sign_in
from tests.support.watch import WATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator.emulator import Emulator
    from tests.support.people import Account

__all__ = ["warm"]

pytestmark = pytest.mark.skipif(
    os.name != "posix", reason="on Windows access is by lists, not by owners and modes"
)
root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become another user")
USER, MALLORY = 54_321, 54_322
EVIL = "https://evil.example.com"

AS_USER = """
import importlib, os, pkgutil, sys
for room in ("git_credential_azdo.accounts", "git_credential_azdo.helper", "git_credential_azdo"):
    found = importlib.import_module(room)
    for module in pkgutil.iter_modules(found.__path__, room + "."):
        if not module.ispkg and "__main__" not in module.name:
            importlib.import_module(module.name)
import git_credential_azdo.vault.file
import pwd, shlex
from git_credential_azdo.__main__ import run
user = int(sys.argv[1])
os.setgroups([])
os.setgid(user)
os.setuid(user)
sys.exit(run(sys.argv[2:]))
"""


def run_as(user: int, home: Home, verb: str, *lines: str, **environment: str) -> Result:
    """Run a verb of git's as another user, whose interpreter has loaded what it needs: it may not read ours."""
    given = "".join(f"{line}\n" for line in lines)
    words = [sys.executable, "-c", AS_USER, str(user), verb]
    return home.run(*words, given=given, cwd=Path("/"), secret_out=verb == "get", **environment)


def give(path: Path, user: int) -> None:
    """Give a user a folder and all in it."""
    for each in (path, *path.rglob("*")):
        os.chown(each, user, user, follow_symlinks=False)


def owners(home: Home) -> set[int]:
    """Return whose our files and folders are."""
    folder = home.folder / ".config"
    return {each.lstat().st_uid for each in (folder, *folder.rglob("*"))}


@pytest.fixture
def stale(home: Home, emulator: Emulator) -> Account:
    """Return ann's account with a stale token, in folders as we make them."""
    ann = sign_in(home, emulator.world, ANN, "contoso")
    ann.let_pass(STALE)
    return ann


PLACES = [
    "",
    "accounts",
    "vault",
    "vault/ID",
    "vault/ID/access",
    f"vault/ID/access/{TENANT}",
    "vault/ID/refresh",
]


@pytest.mark.parametrize("bit", [0o020, 0o002], ids=["group", "others"])
@pytest.mark.parametrize(
    "place", ["", "accounts", "vault", "vault/aa11", "vault/aa11/access", f"vault/aa11/access/{TENANT}"]
)
def test_what_others_may_write_is_not_believed(warm: tuple[Home, str], place: str, bit: int) -> None:
    """One line that names it, the command that cures, and silence for other hosts."""
    home, token = warm
    path = home.accounts_file.parent / place
    path.chmod(path.stat().st_mode | bit)
    result = home.get(*at())
    assert_refused(result, str(path).rstrip("/"), "other users may have changed it")
    hint = result.err.splitlines()[-1].partition("hint: ")[2]
    assert hint == f"chmod -R go= {home.accounts_file.parent}"
    for verb in (home.get, home.store, home.erase):
        other = verb(*at(host="github.com", username="x", password="y"))
        assert (other.out, other.err, other.code) == ("", "", 0)
    assert home.run("sh", "-c", hint).code == 0
    assert home.get(*at()).fields["password"] == token


def test_a_token_endpoint_that_another_user_wrote_gets_no_token(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """The group may write the file, and did."""
    emulator.add_server(EVIL, {})
    home.accounts_file.chmod(0o660)
    stale.set_all("token_endpoint", [f"{EVIL}/token"])
    before = everything_kept(home)
    assert_refused(home.get(*at()), "other users may have changed it")
    for words in (["accounts"], ["token", "--org", "contoso"], ["doctor"]):
        result = home.azdo(*words)
        assert "other users may have changed it" in result.err + result.out
    assert (emulator.seen("evil.example.com"), everything_kept(home)) == ([], before)


def test_nothing_is_written_where_others_may_write(home: Home, stale: Account) -> None:
    """A new token would lie there for the taking."""
    access = home.accounts_file.parent / "vault" / stale.id / "access"
    access.chmod(0o777)
    assert_refused(home.get(*at()), "other users may have changed it")
    with pytest.raises(Unsafe, match="other users may have changed it"):
        write_own(str(access / "x"), b"secret", str(home.accounts_file.parent))
    assert [path.name for path in access.iterdir()] == [stale.all("tenant")[0]]


def test_a_sticky_folder_is_no_danger(warm: tuple[Home, str]) -> None:
    """Others cannot touch what is ours there; Kubernetes mounts secrets and settings so."""
    home, token = warm
    home.accounts_file.parent.chmod(0o1777)
    assert home.get(*at()).fields["password"] == token


@pytest.mark.parametrize("keeps", [True, False])
def test_modes_count_only_where_they_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, keeps: bool
) -> None:
    """On drvfs, vfat and many network shares every file shows the same ones."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    path.chmod(0o666)
    if keeps:
        with pytest.raises(Unsafe):
            read_own(str(path), str(tmp_path))
        return
    look = os.fstat

    def all_alike(descriptor: int) -> os.stat_result:
        info = look(descriptor)
        return os.stat_result((info.st_mode | 0o777, *info[1:]))

    monkeypatch.setattr(os, "fstat", all_alike)
    assert read_own(str(path), str(tmp_path)) == b"x"
    assert os.listdir(tmp_path) == ["file"]


def test_a_linked_accounts_file_is_followed_to_a_file_that_is_believed(warm: tuple[Home, str]) -> None:
    """A folder of dotfiles; what holds for the file holds for where it lies, too."""
    home, token = warm
    dotfiles = home.folder / "dotfiles"
    dotfiles.mkdir()
    home.accounts_file.rename(dotfiles / "azdo")
    home.accounts_file.symlink_to(dotfiles / "azdo")
    assert home.get(*at()).fields["password"] == token
    assert home.azdo("use", "ann@contoso.com", "--org", "contoso").code == 0
    assert home.accounts_file.is_symlink()
    assert "kind=binding" in (dotfiles / "azdo").read_text()
    for path, mode in ((dotfiles, 0o777), (dotfiles / "azdo", 0o666)):
        before = path.stat().st_mode
        path.chmod(mode)
        assert_refused(home.get(*at()), f"cannot read {path}: other users may have changed it")
        path.chmod(before)


def test_a_linked_folder_of_ours_is_followed_and_one_in_the_vault_is_not(warm: tuple[Home, str]) -> None:
    """A person may move the whole folder; below it, everything is made by us."""
    home, token = warm
    elsewhere = home.folder / "elsewhere"
    home.accounts_file.parent.rename(elsewhere)
    home.accounts_file.parent.symlink_to(elsewhere)
    assert home.get(*at()).fields["password"] == token
    (elsewhere / "vault").rename(elsewhere / "other")
    (elsewhere / "vault").symlink_to("other")
    assert_refused(home.get(*at()), "cannot read the file vault in", "Not a directory")


@pytest.mark.parametrize("what", ["fifo", "/dev/zero", "folder"])
@pytest.mark.parametrize("place", ["accounts", f"vault/aa11/access/{TENANT}"])
def test_what_is_no_file_ends_in_one_line(warm: tuple[Home, str], what: str, place: str) -> None:
    """At once: nobody waits for a pipe's writer, and no memory fills with zeros."""
    home, _ = warm
    path = home.accounts_file.parent / place
    path.unlink()
    if what == "fifo":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to(what)
    assert_refused(home.get(*at(), AZDO_TIMEOUT="50"), "cannot read")
    if place == "accounts":
        for verb in (home.store, home.erase):
            result = verb(*at(), "password=x")
            assert (result.out, result.code, result.err.count("\n")) == ("", 1, 1)


@pytest.fixture
def shared() -> Iterator[Home]:
    """Return the home of another user, in a folder that every user can reach."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    home = Home(folder / "home")
    yield home
    shutil.rmtree(folder)


@pytest.fixture
def users(shared: Home, warm: tuple[Home, str]) -> tuple[Home, str]:
    """Return a user's home with an account whose token lives, and the token."""
    mine, token = warm
    shutil.copytree(mine.folder, shared.folder, dirs_exist_ok=True)
    give(shared.folder, USER)
    return shared, token


@root
def test_another_user_s_file_is_not_believed(users: tuple[Home, str]) -> None:
    """Though it can be read; the cure is the system administrator's."""
    home, token = users
    assert run_as(USER, home, "get", *at()).fields["password"] == token
    for place in (".", "accounts", "vault", f"vault/aa11/access/{TENANT}"):
        path = home.accounts_file.parent / place
        path.chmod(0o755)
        os.chown(path, MALLORY, MALLORY)
        result = run_as(USER, home, "get", *at())
        assert_refused(result, f"it belongs to user {MALLORY}, so that it is not believed")
        assert result.err.endswith(f'hint: sudo chown -R "$USER" {home.accounts_file.parent}\n')
        assert run_as(USER, home, "get", *at(host="github.com")).err == ""
        os.chown(path, USER, USER)
    assert run_as(USER, home, "get", *at()).fields["password"] == token


@root
def test_root_s_files_that_can_be_read_are_believed(users: tuple[Home, str]) -> None:
    """An administrator or a container's builder put them there."""
    home, token = users
    give(home.accounts_file.parent, 0)
    for path in (home.accounts_file.parent, *home.accounts_file.parent.rglob("*")):
        path.chmod(0o755)
    assert run_as(USER, home, "get", *at()).fields["password"] == token


@root
def test_a_link_of_another_user_is_not_followed(users: tuple[Home, str]) -> None:
    """It leads to a file of ours, but not to the one that we made."""
    home, _ = users
    home.accounts_file.rename(home.folder / "ours")
    home.accounts_file.symlink_to(home.folder / "ours")
    os.chown(home.accounts_file, MALLORY, MALLORY, follow_symlinks=False)
    assert_refused(run_as(USER, home, "get", *at()), "it is a symbolic link of another user")


@root
def test_what_root_does_in_a_user_s_home_stays_the_user_s(shared: Home, emulator: Emulator) -> None:
    """sudo that keeps HOME: a refresh, a change of the accounts file, its lock; then the user goes on."""
    shared.environment.update({k: v for k, v in emulator.environment.items() if k != "HOME"})
    ann = sign_in(shared, emulator.world, ANN, "contoso")
    ann.let_pass(STALE)
    (shared.accounts_file.parent / "vault" / ann.id / "refresh.99999.new").write_text("token=")
    give(shared.folder, USER)
    assert shared.get(*at()).fields["password"] == ann.token()
    assert shared.azdo("use", ANN, "--org", "contoso").code == 0
    assert len(emulator.requests) == 1
    assert owners(shared) == {USER}
    assert (shared.accounts_file.parent / "locks" / ann.id).exists()
    assert run_as(USER, shared, "get", *at()).fields["password"] == ann.token()


@root
def test_what_root_makes_in_a_user_s_empty_home_is_the_user_s(shared: Home) -> None:
    """Every folder on the way, too."""
    give(shared.folder, USER)
    write_own(str(shared.accounts_file), b"version=1\n", str(shared.accounts_file.parent))
    with Lock(str(shared.accounts_file.parent / "locks" / "a1"), 1):
        pass
    assert owners(shared) == {USER}
    assert shared.accounts_file.stat().st_gid == USER


@root
def test_root_uses_what_was_mounted_into_its_own_home(users: tuple[Home, str]) -> None:
    """A container with a user's folder in it; not so where others could have put the folder there."""
    home, token = users
    os.chown(home.folder / ".config", 0, 0)
    assert home.get(*at()).fields["password"] == token
    (home.folder / ".config").chmod(0o777)
    assert_refused(home.get(*at()), f"it belongs to user {USER}")


@root
@pytest.mark.parametrize("place", ["accounts", "vault", f"vault/aa11/access/{TENANT}", "accounts.lock"])
def test_files_that_root_left_are_named_with_the_cure(users: tuple[Home, str], place: str) -> None:
    """As versions before did under sudo."""
    home, token = users
    path = home.accounts_file.parent / place
    if not path.exists():
        path.touch()
    path.chmod(0o700)
    os.chown(path, 0, 0)
    if place == "accounts.lock":  # git's refusal of a token is to be kept
        result = run_as(USER, home, "erase", *at(), "username=x", f"password={token}")
    else:
        result = run_as(USER, home, "get", *at())
        assert_refused(result, "Permission denied")
    assert f"since {path} belongs to root" in result.err
    assert result.err.endswith(f'hint: sudo chown -R "$USER" {home.accounts_file.parent}\n')
    give(home.accounts_file.parent, USER)
    assert run_as(USER, home, "get", *at()).fields["password"] == token


@root
def test_a_user_without_a_home_is_served_from_the_environment(shared: Home) -> None:
    """No HOME and no entry in the list of users: silence, the token, and one line where something must be kept."""
    del shared.environment["HOME"]
    token = WATCH.remember("environment" + os.urandom(20).hex())
    for verb in ("get", "store", "erase"):
        result = run_as(USER, shared, verb, *at(host="github.com"), "username=x", "password=y")
        assert (result.out, result.err, result.code) == ("", "", 0)
    assert run_as(USER, shared, "get", *at(), AZURE_DEVOPS_EXT_PAT=token).fields["password"] == token
    assert run_as(USER, shared, "get", *at()).err.count("error: ") <= 1
    result = run_as(USER, shared, "store", *at(), "username=x", "password=y")
    assert (result.code, result.err.count("error: ")) == (1, 1)
    assert "HOME is not set" in result.err


def test_an_owner_without_a_name_is_a_number() -> None:
    """In a container hardly anybody has one."""
    assert ownership._name(54_323) == "user 54323"
