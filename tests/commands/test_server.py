"""``server``: registering a server of one's own, what git is told of it, and how it is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import SCRIPT
from tests.support.pats import in_vault
from tests.support.people import of_kind
from tests.support.realgit import written
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home

URL = "https://tfs.example.com:8443"
LINES = ("protocol=https", "host=tfs.example.com:8443")


@pytest.fixture
def registered(file_home: Home) -> Home:
    """Return a home in which a server is registered."""
    result = file_home.azdo("server", "add", f"{URL}/tfs/Default")
    assert (result.code, result.out) == (
        0,
        f"Registered {URL}; credentials that git stores for it are saved in file\n",
    )
    return file_home


def our_config(home: Home) -> str:
    """Return what our own file of git's configuration holds, without comments."""
    text = home.accounts_file.with_name("gitconfig").read_text()
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))


def test_git_calls_us_for_it_and_no_other_helper(registered: Home) -> None:
    """The path is not asked for: what is typed holds for the whole server."""
    assert our_config(registered) == f'[credential "{URL}"]\n\thelper = ""\n\thelper = "{written(SCRIPT)}"\n'
    password = new_password()
    given = f"url={URL}/tfs/_git/a\nusername=u\npassword={password}\n\n"
    assert registered.git("credential", "approve", given=given).err == ""
    answer = registered.git("credential", "fill", given=f"url={URL}/other\n\n")
    assert (answer.fields["username"], answer.fields["password"]) == ("u", password)


def test_twice_is_as_once(registered: Home) -> None:
    """In the accounts file and in git's configuration."""
    before = (registered.accounts_file.read_text(), (registered.folder / ".gitconfig").read_text())
    assert registered.azdo("server", "add", f"{URL.upper()}/").code == 0
    assert (registered.accounts_file.read_text(), (registered.folder / ".gitconfig").read_text()) == before
    assert registered.azdo("server", "list").lines == [URL]


def test_removing_deletes_the_credentials_and_gits_sections(registered: Home) -> None:
    """Other servers stay; with the last one everything is taken back."""
    assert registered.azdo("server", "add", "https://git.example.com").code == 0
    assert registered.store(*LINES, "username=u", f"password={new_password()}").code == 0
    result = registered.azdo("server", "remove", URL)
    assert (result.code, result.out) == (0, f"Removed {URL}\n")
    assert in_vault(registered) == ""
    assert not of_kind(registered, "typed")
    assert URL not in our_config(registered)
    assert "https://git.example.com" in our_config(registered)
    assert registered.azdo("server", "list").lines == ["https://git.example.com"]
    again = registered.azdo("server", "remove", URL)
    assert (again.code, "is not registered" in again.err) == (1, True)
    assert registered.azdo("server", "remove", "https://git.example.com").code == 0
    assert not (registered.folder / ".gitconfig").exists()
    assert not registered.accounts_file.with_name("gitconfig").exists()


def test_http_only_on_demand(file_home: Home) -> None:
    """Passwords would travel in clear text."""
    refused = file_home.azdo("server", "add", "http://tfs.example.com")
    assert refused.code == 1
    assert "over http; use https if you can\n" in refused.err
    assert "hint: git credential-azdo server add http://tfs.example.com --allow-http\n" in refused.err
    listed = file_home.azdo("server", "list")
    assert (listed.code, listed.out, "git credential-azdo server add" in listed.err) == (0, "", True)
    assert file_home.azdo("server", "add", "http://tfs.example.com:80", "--allow-http").code == 0
    assert file_home.azdo("server", "list").lines == ["http://tfs.example.com"]


def test_without_git_the_server_is_registered_and_an_error_says_so(file_home: Home) -> None:
    """Where git is to be had."""
    result = file_home.azdo("server", "add", URL, PATH="/nonexistent")
    assert result.code == 0
    assert "error: git's configuration was not updated: git was not found on PATH" in result.err
    assert "hint: https://git-scm.com/downloads" in result.err
    assert file_home.azdo("server", "list").lines == [URL]


def test_git_can_be_left_alone(file_home: Home) -> None:
    """For those who keep their configuration elsewhere."""
    assert file_home.azdo("server", "add", URL, "--no-git-config").err == ""
    assert not (file_home.folder / ".gitconfig").exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://dev.azure.com", "is a Microsoft host"),
        ("https://contoso.visualstudio.com", "is a Microsoft host"),
        ("https://login.microsoftonline.com", "is a Microsoft host"),
        ("https://ssh.dev.azure.com", "is a Microsoft host"),
        ("tfs.example.com", "not the URL of a server"),
        ("ssh://git@example.com/x", "not the URL of a server"),
        ("https://[::1", "not the URL of a server"),
        ("", "not the URL of a server"),
    ],
)
def test_what_is_no_server_of_ones_own_is_refused(home: Home, url: str, said: str) -> None:
    """A line and a hint; nothing is registered."""
    result = home.azdo("server", "add", url)
    assert (result.code, result.err.count("\n")) == (1, 2)
    assert said in result.err
    assert not home.accounts_file.exists()


def test_what_is_no_servers_url_has_the_cure_of_its_command(registered: Home) -> None:
    """One that was registered is among those listed; for a token it is the address of a collection."""
    line = "hint: git credential-azdo server list\n"
    assert line in registered.azdo("server", "remove", "tfs.example.com").err
    result = registered.azdo("setup", "pat", "--server", "tfs.example.com")
    line = "hint: git credential-azdo setup pat --server https://tfs.example.com/DefaultCollection\n"
    assert line in result.err


def test_a_credential_whose_vault_is_gone_does_not_bind_its_server_for_ever(registered: Home) -> None:
    """The keyring was uninstalled: the line says which entry to delete by hand, as that of logout does."""
    registered.store(*LINES, "username=ann", f"password={new_password()}")
    text = registered.accounts_file.read_text()
    registered.write_accounts_file(text.replace("vault=file", "vault=gone.Keyring"))
    result = registered.azdo("server", "remove", URL)
    (stored,) = of_kind(registered, "typed")
    assert (result.code, f"delete the entry with id={stored['id']}" in result.err) == (1, True)
