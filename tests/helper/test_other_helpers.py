"""Secrets of other helpers, which git passes to every helper once they worked: they are not stored a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import SCRIPT
from tests.support.people import at, everything_saved
from tests.support.watch import WATCH, new_password

if TYPE_CHECKING:
    from tests.conftest import Home

AZURE = "https://dev.azure.com"


@pytest.fixture
def configured(file_home: Home) -> Home:
    """Return a home where git asks us about Azure DevOps."""
    for key, value in (("helper", str(SCRIPT)), ("useHttpPath", "true")):
        assert file_home.git("config", "--global", f"credential.{AZURE}.{key}", value).code == 0
    return file_home


def approve(home: Home, secret: str) -> None:
    """Let git pass a credential that worked to its helpers."""
    given = f"url={AZURE}/contoso/app/_git/app\nusername=ann\npassword={secret}\n"
    assert home.git("credential", "approve", given=given).err == ""


@pytest.mark.parametrize("other", ["", "!f() { echo username=ann; echo password=$SECRET; }; f"])
def test_a_secret_is_stored_unless_a_helper_before_ours_has_it(configured: Home, other: str) -> None:
    """What that one did not supply, git has just let it store."""
    secret = new_password(52)
    if other:
        assert configured.git("config", "--global", "credential.helper", other).code == 0
        text = configured.folder / ".gitconfig"  # git asks helpers in the order of the file
        text.write_text(f'[credential]\n\thelper = "{other}"\n' + text.read_text())
    before = everything_saved(configured)
    approve(configured, secret)
    assert (everything_saved(configured) == before) == bool(other)


def test_a_helper_after_ours_is_no_reason_not_to_store(configured: Home) -> None:
    """git asks it only when ours has no answer."""
    assert configured.git("config", "--global", "credential.helper", "!:").code == 0
    before = everything_saved(configured)
    approve(configured, new_password(52))
    assert everything_saved(configured) != before


def test_what_another_helper_has_marked_or_made_is_not_stored(configured: Home) -> None:
    """Its own ``state[]``; an access token, which no person types."""
    before = everything_saved(configured)
    token = WATCH.remember(".".join(("ey" + "J" + new_password(20), new_password(40), new_password(40))))
    approve(configured, token)
    secret = new_password(52)
    configured.store(
        *at(), "username=ann", f"password={secret}", "capability[]=state", "state[]=osxkeychain:seen=1"
    )
    assert everything_saved(configured) == before
    configured.store(*at(), "username=ann", f"password={secret}", "state[]=azdo:a:b:c")
    assert everything_saved(configured) != before
