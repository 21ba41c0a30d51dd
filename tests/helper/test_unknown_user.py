"""A user that git names and no account has: what names it, and the command that takes it away, run as printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import SCRIPT
from tests.emulator.default_world import ANN

if TYPE_CHECKING:
    from tests.conftest import Home, Result
    from tests.support.people import Account

URL = "https://dev.azure.com/contoso/my%20app/_git/app"


def fetch(home: Home, url: str) -> Result:
    """Ask about the address as git does, in a repository whose remote has it."""
    cwd = home.folder / "r"
    if not cwd.exists():
        assert home.git("init", "-q", "r").code == 0
        assert home.git("remote", "add", "work", url, cwd=cwd).code == 0
        for key, value in (("helper", str(SCRIPT)), ("useHttpPath", "true")):
            assert home.git("config", "--global", f"credential.https://dev.azure.com.{key}", value).code == 0
    address = home.git("ls-remote", "--get-url", "work", cwd=cwd).out
    return home.git("credential", "fill", given=f"url={address}", cwd=cwd)


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize(
    ("url", "settings", "where"),
    [
        (URL, ["credential.https://dev.azure.com.username=pat"], "credential.https://dev.azure.com.username in "),
        (URL, ["credential.username=pat"], "credential.username in "),
        (URL.replace("//", "//pat@"), [], "remote.work.url in .git/config (local)"),
        (URL.replace("//", "//former@"), [], "remote.work.url in .git/config (local)"),
    ],
    ids=["for the host", "for all", "in the address", "a former organization"],
)  # fmt: skip
def test_what_names_an_unknown_user_is_named_and_its_removal_cures(
    home: Home, ann: Account, url: str, settings: list[str], where: str
) -> None:
    """After the command as printed, git is answered."""
    for setting in settings:
        assert home.git("config", "--global", *setting.split("=")).code == 0
    refused = fetch(home, url)
    error, hint, *_ = [line for line in refused.err.splitlines() if "azdo: " in line]
    user = "former" if "former" in url else "pat"
    assert error == f"git-credential-azdo: error: no account is named {user}; known accounts: {ANN}"
    assert f"hint: {where}" in hint
    cure = hint.split(" names that user: ")[1]
    assert home.run("sh", "-c", cure, cwd=home.folder / "r").code == 0
    assert f"password={ann.token()}\n" in fetch(home, url).out


@pytest.mark.usefixtures("ann")
def test_a_user_that_insteadof_adds_is_named_without_being_repeated(home: Home) -> None:
    """The base may hold a password, so that its removal is not printed."""
    assert home.git("config", "--global", "url.https://pat@dev.azure.com/.insteadOf", "azure:").code == 0
    result = fetch(home, "azure:contoso/app/_git/app")
    assert "hint: url.https://***@dev.azure.com/.insteadof in " in result.err
    assert "by hand" in result.err


@pytest.mark.usefixtures("ann")
def test_an_address_of_a_command_line_is_given_without_its_user(home: Home) -> None:
    """There is no setting to remove; a person's sign-in name may as well get an account."""
    lines = ["protocol=https", "host=dev.azure.com", "path=contoso/my app/_git/app"]
    assert f"hint: the address names that user: use {URL}\n" in home.get(*lines, "username=pat").err
    hint, other = home.get(*lines, "username=eve@contoso.com").err.splitlines()[1:]
    assert hint.startswith(
        "git-credential-azdo: hint: git credential-azdo setup --org contoso --login-hint eve"
    )
    assert other == f"git-credential-azdo: hint: the address names that user: use {URL}"


def test_without_any_account_a_user_is_not_the_only_thing_to_take_away(home: Home) -> None:
    """Without the user, git would be refused again: there is no account to answer."""
    hints = home.get(
        "protocol=https", "host=dev.azure.com", "path=contoso/app", "username=former"
    ).err.splitlines()[1:]
    assert hints == [
        "git-credential-azdo: hint: git credential-azdo setup --org contoso",
        "git-credential-azdo: hint: the address names that user: use https://dev.azure.com/contoso/app",
    ]
