"""Files of other users and of root: what is believed, and whose what we write is."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo import files
from git_credential_azdo.writing import Lock, write_own
from tests.conftest import Home, Result
from tests.emulator.default_world import ANN
from tests.support.marks import posix, root
from tests.support.people import NO_NETWORK, STALE, TENANT, assert_refused, at, sign_in
from tests.support.watch import WATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator.emulator import Emulator

pytestmark = posix
USER, MALLORY = 54_321, 54_322
AS_USER = Path(__file__).parents[1] / "support" / "as_user.py"
OFFLINE = {"https_proxy": NO_NETWORK}


def run_as(user: int, home: Home, verb: str, *lines: str, **environment: str) -> Result:
    """Run a verb of git's as another user, whose interpreter has loaded what it needs: it may not read ours."""
    given = "".join(f"{line}\n" for line in lines)
    words = (AS_USER, str(user), verb)
    return home.fork(*words, given=given, cwd=Path("/"), secret_out=verb == "get", **environment)


def give(path: Path, user: int) -> None:
    """Give a user a folder and all in it."""
    for each in (path, *path.rglob("*")):
        os.chown(each, user, user, follow_symlinks=False)


def owners(home: Home) -> set[int]:
    """Return whose our files and folders are."""
    folder = home.folder / ".config"
    return {each.lstat().st_uid for each in (folder, *folder.rglob("*"))}


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
        assert_refused(result, f"it belongs to user {MALLORY}, so it is not trusted")
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
        result = run_as(USER, home, "erase", *at(), "username=x", f"password={token}", **OFFLINE)
    else:
        result = run_as(USER, home, "get", *at())
        assert_refused(result, "Permission denied")
    assert f"since {path} belongs to root" in result.err
    assert result.err.endswith(f'hint: sudo chown -R "$USER" {home.accounts_file.parent}\n')
    give(home.accounts_file.parent, USER)
    again = run_as(USER, home, "get", *at(), **OFFLINE)
    # A refusal that could not be noted takes the token with it.
    is_answered = again.fields.get("password") == token
    assert is_answered == (place != "accounts.lock")


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


@root
@pytest.mark.parametrize("mode", [0o700, 0o755], ids=["closed", "open"])
def test_the_home_of_another_user_is_none_of_ours_to_take(shared: Home, mode: int) -> None:
    """An image's HOME, and a container's user: a token serves, and no command takes the folder from its owner."""
    give(shared.folder, MALLORY)
    shared.folder.chmod(mode)
    token = WATCH.remember("environment" + os.urandom(20).hex())
    assert run_as(USER, shared, "get", *at(), AZURE_DEVOPS_EXT_PAT=token).fields["password"] == token
    result = run_as(USER, shared, "get", *at())
    assert (result.out, "may not open" in result.err) == ("", mode == 0o700)
    assert ("HOME=FOLDER" in result.err) == (mode == 0o700)
    result = run_as(USER, shared, "store", *at(), "username=x", "password=y")
    assert "chown" not in result.err
    assert result.err.endswith("hint: export HOME=FOLDER\n")


@pytest.mark.parametrize("home", ["/", "/home/bob"])
def test_no_command_takes_the_whole_system_from_its_owner(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """HOME is / for a user without one, as containers have them."""
    monkeypatch.setenv("HOME", home)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: USER)
    top, config = files.folder(), os.path.join(home, ".config")
    error = files.unusable("write", f"{top}/vault", PermissionError(13, "Permission denied", config), top)
    assert error.hint == "export HOME=FOLDER"
