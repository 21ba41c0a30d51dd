"""files.py by the verbs: what somebody else could have changed is not believed, and the line cures."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.files import Unsafe, read_own
from git_credential_azdo.writing import write_own
from tests.support.marks import posix
from tests.support.people import TENANT, assert_refused, at, everything_saved

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account

pytestmark = posix
EVIL = "https://evil.example.com"


PLACES = ("", "accounts", "vault", "vault/aa11", "vault/aa11/access", f"vault/aa11/access/{TENANT}")


@pytest.mark.parametrize("bit", [0o020, 0o002], ids=["group", "others"])
def test_what_others_may_write_is_not_believed(warm: tuple[Home, str], bit: int) -> None:
    """One line that names it, the command that cures, and silence for other hosts."""
    home, token = warm
    for path in (home.accounts_file.parent / place for place in PLACES):
        path.chmod(path.stat().st_mode | bit)
        result = home.get(*at())
        assert_refused(result, str(path).rstrip("/"), "other users may have changed it")
        hint = result.err.splitlines()[-1].partition("hint: ")[2]
        assert hint == f"chmod -R go= {shlex.quote(str(home.accounts_file.parent))}"
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
    before = everything_saved(home)
    assert_refused(home.get(*at()), "other users may have changed it")
    for words in (["accounts"], ["token", "--org", "contoso"], ["doctor"]):
        result = home.azdo(*words)
        assert "other users may have changed it" in result.err + result.out
    assert (emulator.seen("evil.example.com"), everything_saved(home)) == ([], before)


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
def test_modes_count_only_where_the_file_system_has_them(
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
