"""``erase`` of a token that we gave: what is dropped, what is marked, and that nothing else is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.tokens import REJECTED_SECONDS
from tests.conftest import SCRIPT
from tests.emulator.default_world import ANN, BOB, CONTOSO, FABRIKAM
from tests.support.people import OLD, at, bind, challenge, everything_saved, give_pat, learn, sign_in
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account

from tests.support.people import learned, vault_bytes


def test_an_old_token_that_is_refused_is_dropped_and_the_next_get_refreshes(
    home: Home, emulator: Emulator, ann: Account
) -> None:
    """One request, a new token, no mark; the vault is not opened to drop it."""
    old = home.get(*at()).lines
    ann.let_pass(OLD)
    before = vault_bytes(home)
    assert home.erase(*at(), *old).err == ""
    assert vault_bytes(home) == before
    fresh = home.get(*at())
    assert (len(emulator.seen("login.microsoftonline.com")), ann.all("rejected[]")) == (1, [])
    assert fresh.fields["password"] == ann.token()
    assert fresh.lines != old
    assert home.get(*at()).lines == fresh.lines
    assert len(emulator.seen("login.microsoftonline.com")) == 1


def test_a_new_token_that_is_refused_is_explained_at_once_and_stops_the_organization_for_a_minute(
    home: Home, emulator: Emulator, ann: Account
) -> None:
    """Another would fare no better: who, tenant, organization, and what to do, in git's own run. Then it ends."""
    erased = home.erase(*at(), *challenge(CONTOSO), *home.get(*at()).lines)
    result = home.get(*at())
    assert (erased.out, result.out, emulator.requests) == ("", "quit=1\n", [])
    assert erased.err == result.err
    error, explain, setup = result.err.splitlines()
    assert all(word in error for word in ("error: ", "contoso", ANN, CONTOSO))
    assert explain.endswith("hint: git credential-azdo explain https://dev.azure.com/contoso --online")
    assert setup.endswith("hint: git credential-azdo setup pat --org contoso")
    ann.let_pass(REJECTED_SECONDS + 1)
    assert home.get(*at()).fields["password"] == ann.token()


def test_the_mark_is_for_that_organization_alone(home: Home, emulator: Emulator, ann: Account) -> None:
    """The account goes on serving the others."""
    home.erase(*at(), *challenge(CONTOSO), *home.get(*at()).lines)
    assert home.get(*at()).out == "quit=1\n"
    assert home.get(*at("contoso-labs/app/_git/app"), *challenge(CONTOSO)).fields["password"] == ann.token()
    assert emulator.requests == []


def test_a_refusal_without_a_path_marks_only_requests_without_a_path(home: Home, ann: Account) -> None:
    """The line then cannot name the organization."""
    home.erase(*at(None), *home.get(*at(None)).lines)
    result = home.get(*at(None))
    assert result.out == "quit=1\n"
    assert "error: Azure DevOps rejected a new token of" in result.err
    assert "setup pat --org ORGANIZATION" in result.err
    assert home.get(*at()).fields["password"] == ann.token()


def test_a_mark_from_the_future_does_not_count(home: Home, ann: Account) -> None:
    """The clock was set back."""
    ann.set_all("rejected[]", [f"contoso {int(time.time()) + 5_000}", "other never"])
    assert home.get(*at()).fields["password"] == ann.token()


def test_a_refusal_forgets_the_organizations_tenant(home: Home, ann: Account) -> None:
    """It may have been moved to another one."""
    assert learned(home, "contoso") == [CONTOSO]
    home.erase(*at(), f"password={ann.token()}")
    assert learned(home, "contoso") == []


@pytest.mark.parametrize("age", [0, OLD], ids=["fresh", "old"])
def test_a_401_never_costs_a_secret(home: Home, emulator: Emulator, age: int) -> None:
    """Refresh token, access token and PAT are in the vault byte by byte as before, however often it is refused."""
    secret = emulator.world.new_pat(BOB)
    ann, pat = sign_in(home, emulator.world, ANN, "contoso"), give_pat(home, secret, BOB, "fabrikam")
    ann.let_pass(age)
    before = vault_bytes(home)
    for _ in range(2):
        assert home.erase(*at(username=ANN, password=ann.token())).code == 0
        assert home.erase(*at("fabrikam/app/_git/app", username=BOB, password=secret)).code == 0
        assert home.erase(*at(), f"username={ANN}").code == 0
        assert home.erase(*at("fabrikam/app/_git/app")).code == 0
    assert vault_bytes(home) == before
    assert pat.secret("pat")["token"] == secret


def test_marks_that_cannot_be_read_are_ignored(home: Home, ann: Account) -> None:
    """People mend the file by hand."""
    ann.set_all("token[]", ["nonsense", "a b c", *ann.all("token[]")])
    assert home.store(*at(), f"password={ann.token()}").err == ""
    assert home.get(*at()).fields["password"] == ann.token()


def test_a_token_of_the_former_tenant_stops_nothing(home: Home, ann: Account) -> None:
    """The organization was moved: git 2.39 names no tenant, so that the learned one was used."""
    bind(home, "fabrikam", ann)
    learn(home, "fabrikam", CONTOSO)
    lines = at("fabrikam/app/_git/app")
    given = home.get(*lines)
    assert given.fields["password"] == ann.token(CONTOSO)
    erased = home.erase(*lines, *given.lines)
    text = (
        f"the organization fabrikam belongs to tenant {FABRIKAM} now and rejected a token of tenant {CONTOSO}"
    )
    assert erased.err.splitlines() == [
        f"git-credential-azdo: error: {text}",
        "git-credential-azdo: hint: run the git command again",
    ]
    assert (learned(home, "fabrikam"), ann.all("rejected[]")) == ([], [])
    assert home.get(*lines).fields["password"] == ann.token(FABRIKAM)


def test_without_a_network_the_refusal_is_explained_all_the_same(home: Home, ann: Account) -> None:
    """Whose the organization is cannot be asked then."""
    given = home.get(*at()).lines
    erased = home.erase(*at(), *given, HTTPS_PROXY="http://127.0.0.1:9")
    assert "rejected a new token of ann@contoso.com" in erased.err
    assert ann.all("rejected[]")


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize(
    "key",
    [
        "http.extraHeader",
        "http.https://dev.azure.com/.extraHeader",
        "http.https://contoso@dev.azure.com/contoso/app/_git/app.extraHeader",
    ],
)
def test_a_header_of_gits_own_that_is_refused_is_named_and_costs_our_token_nothing(
    home: Home, key: str
) -> None:
    """git then never sent our token; an agent or an extension left the header in a repository's configuration."""
    secret = new_password()
    assert home.git("init", "-q", "r").code == 0
    repository = home.folder / "r"
    for value in ("X-A: b", f"AUTHORIZATION: basic {secret}"):
        assert home.git("config", "--add", key, value, cwd=repository).code == 0
    given = "".join(f"{line}\n" for line in (*at(), *home.get(*at()).lines))
    before = everything_saved(home)
    erased = home.fork(SCRIPT, "erase", given=given, cwd=repository)
    error, hint = erased.err.splitlines()
    assert "error: dev.azure.com rejected the Authorization header that git sends by http." in error
    assert (".git/config" in error, secret in erased.err, everything_saved(home)) == (True, False, before)
    if "@" in key:
        assert "by hand" in hint
        return
    assert home.run("sh", "-c", hint.split("hint: ")[1], cwd=repository).code == 0
    assert home.git("config", "--get-all", key, cwd=repository).out == "X-A: b\n"
    assert "rejected a new token" in home.fork(SCRIPT, "erase", given=given, cwd=repository).err
