"""How ``get`` treats personal access tokens: what they list, when they end, and what after a refusal."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from tests.emulator import faults
from tests.emulator.default_world import ANN, BOB
from tests.support.people import add_block, at, everything_saved, give_pat, sign_in

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account

FABRIKAM_APP = at("fabrikam/app/_git/app")
DAY = 86_400


@pytest.fixture
def pat(home: Home, emulator: Emulator) -> Account:
    """Return bob's token for fabrikam."""
    return give_pat(home, emulator.world.new_pat(BOB, ["fabrikam"]), BOB, "fabrikam")


def refused(home: Home, pat: Account) -> None:
    """Let the organization refuse the token, as git tells it."""
    token = pat.secret("pat")["token"]
    assert home.erase(*FABRIKAM_APP, f"username={BOB}", f"password={token}").err == ""
    assert pat.all("rejected[]")


def test_a_token_without_a_known_end_is_answered_without_one(
    home: Home, emulator: Emulator, pat: Account
) -> None:
    """User and password, and nobody is asked."""
    result = home.get(*FABRIKAM_APP)
    assert result.lines == [f"username={BOB}", f"password={pat.secret('pat')['token']}"]
    assert (result.err, emulator.requests) == ("", [])


def test_a_known_end_is_passed_to_git(home: Home, emulator: Emulator) -> None:
    """git drops it by itself then."""
    pat = give_pat(home, emulator.world.new_pat(BOB), BOB, "fabrikam", expires_in=40 * DAY)
    result = home.get(*FABRIKAM_APP)
    assert [result.fields["password_expiry_utc"]] == pat.all("expires_utc")
    assert result.err == ""


def test_a_token_serves_only_what_it_lists(home: Home, pat: Account) -> None:
    """Elsewhere it is as if it were not there, also when it is named."""
    assert pat.secret("pat")
    result = home.get(*at())
    assert (result.out, result.err.count("\n")) == ("", 2)
    assert f"no account covers the organization contoso; known accounts: {BOB}" in result.err
    named = home.get(*at(username=BOB))
    assert (named.out, named.err) == (
        "",
        result.err.replace("--org contoso", f"--org contoso --login-hint {BOB}"),
    )


def test_elsewhere_a_token_s_alias_is_to_be_taken_away_too(home: Home, pat: Account) -> None:
    """git would go on to name that account, which a new one does not change."""
    setup, removal = home.get(*at(username=pat.id)).err.splitlines()[1:]
    assert setup == "git-credential-azdo: hint: git credential-azdo setup --org contoso"
    assert "hint: the address names that user: use https://dev.azure.com/contoso/" in removal


def test_a_token_of_one_organization_beats_a_sign_in_that_does_not_list_it(
    home: Home, emulator: Emulator, pat: Account
) -> None:
    """Each organization has its account, without any binding."""
    ann = sign_in(home, emulator.world, ANN, "contoso")
    assert home.get(*FABRIKAM_APP).fields["password"] == pat.secret("pat")["token"]
    assert home.get(*at()).fields["password"] == ann.token()


@pytest.mark.parametrize(
    ("expires_in", "text"), [(13 * DAY + 60, "expires in 13 days"), (DAY + 60, "expires in 1 day:")]
)
def test_a_token_that_ends_soon_is_answered_with_one_hint_a_day(
    home: Home, emulator: Emulator, expires_in: int, text: str
) -> None:
    """The hint names the command, and comes back tomorrow."""
    pat = give_pat(home, emulator.world.new_pat(BOB), BOB, "fabrikam", expires_in=expires_in)
    first = home.get(*FABRIKAM_APP)
    assert first.fields["password"] == pat.secret("pat")["token"]
    assert first.err.startswith(f"git-credential-azdo: hint: the personal access token {BOB} {text}")
    assert first.err.endswith("git credential-azdo setup pat --org fabrikam\n")
    assert first.err.count("\n") == 1
    saved = everything_saved(home)
    assert home.get(*FABRIKAM_APP).err == ""
    assert everything_saved(home) == saved
    pat.set_all("reminded_utc", [str(int(pat.all("reminded_utc")[0]) - DAY)])
    assert home.get(*FABRIKAM_APP).err == first.err


def test_a_token_for_all_organizations_is_answered_with_the_date_of_its_end(
    home: Home, emulator: Emulator
) -> None:
    """It serves every organization, and Microsoft ends its kind."""
    pat = give_pat(home, emulator.world.new_pat(BOB), BOB, "*")
    first = home.get(*at("anything/app/_git/app"))
    assert first.fields["password"] == pat.secret("pat")["token"]
    assert first.err == (
        f"git-credential-azdo: hint: the personal access token {BOB} is for all organizations, "
        "and stops working on 1 December 2026: git credential-azdo setup\n"
    )
    assert home.get(*FABRIKAM_APP).err == ""


def test_a_day_that_cannot_be_read_costs_no_answer(home: Home, emulator: Emulator) -> None:
    """People mend the file by hand."""
    pat = give_pat(home, emulator.world.new_pat(BOB), BOB, "*")
    pat.set_all("reminded_utc", ["yesterday"])
    result = home.get(*FABRIKAM_APP)
    assert result.fields["password"] == pat.secret("pat")["token"]
    assert f"hint: the personal access token {BOB} is for all organizations" in result.err


def test_a_token_past_its_end_is_not_handed_out(home: Home, emulator: Emulator) -> None:
    """One error line, one hint line with the command, git stops, nobody is asked."""
    give_pat(home, emulator.world.new_pat(BOB), BOB, "fabrikam", expires_in=-1)
    result = home.get(*FABRIKAM_APP)
    day = f"{dt.datetime.now(dt.timezone.utc) - dt.timedelta(seconds=2):%d %B %Y}".lstrip("0")
    assert (result.out, emulator.requests) == ("quit=1\n", [])
    assert result.err.splitlines() == [
        f"git-credential-azdo: error: the personal access token {BOB} expired on {day}",
        "git-credential-azdo: hint: git credential-azdo setup pat --org fabrikam",
    ]


def test_a_token_that_left_the_vault_is_named(home: Home, pat: Account) -> None:
    """Somebody cleared the keyring."""
    pat.vault.delete(f"{pat.id}/pat")
    result = home.get(*FABRIKAM_APP)
    assert result.out == "quit=1\n"
    assert f"error: the token of {BOB} is no longer in the vault\n" in result.err
    assert "hint: git credential-azdo setup pat --org fabrikam\n" in result.err


def test_a_refused_token_that_works_again_is_answered_after_one_question(
    home: Home, emulator: Emulator, pat: Account
) -> None:
    """The server was wrong for a moment: the mark ends and no further question is asked."""
    refused(home, pat)
    assert home.get(*FABRIKAM_APP).fields["password"] == pat.secret("pat")["token"]
    assert pat.all("rejected[]") == []
    assert home.get(*FABRIKAM_APP).fields["password"] == pat.secret("pat")["token"]
    assert [(record.method, record.path) for record in emulator.requests] == [
        ("GET", "/fabrikam/_apis/git/repositories")
    ]


def test_a_refused_token_that_works_again_is_unmarked_also_on_the_day_of_a_hint(
    home: Home, emulator: Emulator
) -> None:
    """Both are remembered at once."""
    pat = give_pat(home, emulator.world.new_pat(BOB), BOB, "fabrikam", expires_in=3 * DAY + 60)
    refused(home, pat)
    assert "expires in 3 days" in home.get(*FABRIKAM_APP).err
    assert (pat.all("rejected[]"), len(pat.all("reminded_utc"))) == ([], 1)


def test_a_revoked_token_is_reported_with_its_cure_and_saved(
    home: Home, emulator: Emulator, pat: Account
) -> None:
    """Who, where, what may be the reason, and the page and command for a new one."""
    refused(home, pat)
    emulator.world.revoke(pat.secret("pat")["token"])
    saved = everything_saved(home)
    result = home.get(*FABRIKAM_APP)
    assert result.out == "quit=1\n"
    assert f"error: the organization fabrikam rejects the personal access token {BOB}: " in result.err
    assert "https://dev.azure.com/fabrikam/_usersSettings/tokens" in result.err
    assert "git credential-azdo setup pat --org fabrikam\n" in result.err
    assert everything_saved(home) == saved


def test_a_refused_token_is_not_called_bad_when_the_service_does_not_answer(
    home: Home, emulator: Emulator, pat: Account
) -> None:
    """Too many requests, a sign-in page of the network, no answer at all: the mark stays, the line says which."""
    refused(home, pat)
    for fault, text in (
        (faults.too_many_requests(retry_after=100), "limits the rate of requests"),
        (faults.html_page(), "returned an HTML page"),
        (faults.close_connection(), "the connection was closed"),
    ):
        emulator.refuse("dev.azure.com", fault)
        result = home.get(*FABRIKAM_APP)
        assert (result.out, text in result.err) == ("quit=1\n", True), result.err
        assert "rejects the personal access token" not in result.err
    assert len(pat.all("rejected[]")) == 1


def test_without_a_path_there_is_no_organization_to_ask(home: Home, emulator: Emulator, pat: Account) -> None:
    """Nothing is noted, and the token is tried once more."""
    host = at(None)
    home.erase(*host, f"username={BOB}", f"password={pat.secret('pat')['token']}")
    assert home.get(*host).fields["password"] == pat.secret("pat")["token"]
    assert (pat.all("rejected[]"), emulator.requests) == ([], [])


def test_a_token_by_alias_names_no_one_twice(home: Home, emulator: Emulator) -> None:
    """Two tokens of one person are told apart by their aliases."""
    first = give_pat(home, emulator.world.new_pat(BOB), BOB, "fabrikam")
    second = give_pat(home, emulator.world.new_pat(BOB), BOB, "fabrikam")
    first.set_all("alias", ["one"])
    second.set_all("alias", ["two"])
    add_block(home, ("kind", "unknown to this version"), ("key", "value"))
    assert "several accounts match the organization fabrikam: one, two" in home.get(*FABRIKAM_APP).err
    assert (
        home.get(*at("fabrikam/app/_git/app", username="two")).fields["password"]
        == second.secret("pat")["token"]
    )
