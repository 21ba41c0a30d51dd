"""Real git with us as its helper, and credentials that no ``setup`` made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conftest import SCRIPT
from tests.emulator import faults
from tests.emulator.default_world import ANN, BOB
from tests.support.fetching import APP, AZURE, LOGIN, done
from tests.support.people import STALE, at, bytes_saved, everything_saved, forget_failures, give_pat
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account


def test_a_personal_access_token_clones_its_own_and_is_refused_once_revoked(
    user: Home, emulator: Emulator
) -> None:
    """The refusal says what to do, and the token stays in the vault."""
    token = emulator.world.new_pat(BOB, ["fabrikam"])
    pat = give_pat(user, token, BOB, "fabrikam")
    url = f"{AZURE}/fabrikam/app/_git/app"
    done(user.git("clone", url, "work"))
    emulator.world.revoke(token)
    assert user.git("fetch", cwd=user.folder / "work").code != 0
    told = user.git("fetch", cwd=user.folder / "work")
    assert f"rejects the personal access token {BOB}" in told.err
    assert "hint: create a new one at https://dev.azure.com/fabrikam/_usersSettings/tokens" in told.err
    assert pat.secret("pat")["token"] == token


def test_a_typed_credential_is_asked_for_once(user: Home, emulator: Emulator) -> None:
    """Generate Git Credentials, without any setup: what a person typed serves from then on."""
    user.write_accounts_file("version=1\nsalt=00112233445566778899aabbccddeeff\nvault=file\n")
    token = emulator.world.new_pat(BOB, ["fabrikam"])
    askpass = user.folder / "askpass"
    askpass.write_text(
        '#!/bin/sh\necho "$1" >>"$HOME/asked"\ncase "$1" in Username*) echo bob;; *) echo "$TYPED";; esac\n'
    )
    askpass.chmod(0o755)
    url = f"{AZURE}/fabrikam/app/_git/app"
    first = user.git("ls-remote", url, GIT_ASKPASS=str(askpass), TYPED=token)
    assert (first.code, "hint: there is no account" in first.err) == (0, True)
    done(user.git("ls-remote", url))
    asked = (user.folder / "asked").read_text().splitlines()
    assert len(asked) == 2
    emulator.world.revoke(token)
    user.git("ls-remote", url)
    assert not [name for name in everything_saved(user) if name.startswith("vault")]


def test_a_pipelines_token_needs_no_setup(user: Home, emulator: Emulator) -> None:
    """Zero set-up in a build; another organization's repository gets no answer of ours."""
    token = emulator.world.new_pat(BOB, ["fabrikam"])
    user.environment |= {"TF_BUILD": "True", "SYSTEM_ACCESSTOKEN": token}
    user.environment["SYSTEM_COLLECTIONURI"] = "https://dev.azure.com/fabrikam/"
    done(user.git("ls-remote", f"{AZURE}/fabrikam/app/_git/app"))
    assert user.git("ls-remote", APP).code != 0
    assert not user.accounts_file.exists()


def test_a_guest_network_is_one_line(user: Home, emulator: Emulator, ann: Account) -> None:
    """The sign-in host answers a page: git fails with our line, and nothing is lost; that it failed is noted."""
    ann.let_pass(STALE)
    emulator.refuse(LOGIN, faults.html_page())
    before = bytes_saved(user)
    result = user.git("ls-remote", APP)
    assert result.code != 0
    assert f"error: {LOGIN} returned an HTML page instead of JSON" in result.err
    forget_failures(user)
    assert bytes_saved(user) == before


def test_another_helpers_secret_is_not_taken_over(user: Home, emulator: Emulator, ann: Account) -> None:
    """A helper before us answers; git tells us its secret in ``store``, and we keep nothing of it."""
    token = emulator.world.new_pat(ANN, ["contoso"])
    other = '!f() { test "$1" = get && echo username=x && echo "password=$OTHER"; }; f'
    before = everything_saved(user)
    words = ["-c", f"credential.{AZURE}.helper=", "-c", f"credential.{AZURE}.helper={other}"]
    words += ["-c", f"credential.{AZURE}.helper={SCRIPT}"]
    done(user.git(*words, "ls-remote", APP, OTHER=token))
    assert user.git(*words, "ls-remote", APP, OTHER=new_password()).code != 0
    assert everything_saved(user) == before
    assert user.get(*at()).fields["password"] == ann.token()
