"""What ``get`` answers for Azure DevOps Services, and whose token: the installed script against the emulator."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.conftest import SCRIPT
from tests.emulator.default_world import ANN, CONTOSO, FABRIKAM, KIM
from tests.emulator.model import TRANSFER
from tests.support.people import OLD, at, bind, challenge, everything_saved, sign_in

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account

OPEN = "contoso-labs/app/_git/app"


@pytest.fixture
def ann(home: Home, emulator: Emulator) -> Account:
    """Return ann's account, signed in a moment ago."""
    return sign_in(home, emulator.world, ANN, "contoso", "contoso-labs")


def test_a_live_token_is_answered_with_user_and_end_and_no_request(
    home: Home, emulator: Emulator, ann: Account
) -> None:
    """stdout is exactly these lines, stderr is empty, and no request leaves."""
    result = home.get(*at())
    assert result.lines == [
        f"username={ANN}",
        f"password={ann.token()}",
        f"password_expiry_utc={ann.secret('access/' + CONTOSO)['expires_utc']}",
    ]
    assert (result.code, result.err, emulator.requests) == (0, "", [])


def test_a_git_with_state_gets_a_state_that_holds_no_secret(home: Home, ann: Account) -> None:
    """The capability comes first; without it, neither line."""
    lines = home.get("capability[]=state", *at()).lines
    assert lines[0] == "capability[]=state"
    assert lines[-1].startswith(f"state[]=azdo:{ann.id}:{CONTOSO}:")
    assert ann.token() not in lines[-1]
    assert not any(line.startswith(("state", "capability")) for line in home.get(*at()).lines)


SPELLINGS = {
    "the organization as the user, as Azure's clone URLs have it": at(username="contoso"),
    "in capitals": at(username="Contoso"),
    "an empty user": at(username=""),
    "the organization as the user, without a path": at(None, username="contoso"),
    "nothing but the host": at(None),
    "an escaped path": at("CONTOSO/My%20Project/_git/My%20Repo"),
    "a path with blanks": at("contoso/My Project/_git/My Repo"),
    "the older host": at("app/_git/app", "contoso.visualstudio.com"),
    "the older host, in capitals and without a path": at(None, "CONTOSO.VisualStudio.com"),
    "its collection": at("DefaultCollection/app/_git/app", "contoso.visualstudio.com:443"),
    "git-lfs": at("contoso/app/_git/app.git/info/lfs"),
    "the scheme in capitals": at(protocol="HTTPS"),
}


def test_every_spelling_of_one_organization_gives_its_account(
    home: Home, emulator: Emulator, ann: Account
) -> None:
    """With and without user, path and the host's older name; no request leaves."""
    for what, lines in SPELLINGS.items():
        result = home.get(*lines)
        assert (what, result.fields.get("password"), result.err) == (what, ann.token(), "")
    assert emulator.requests == []


def test_a_guest_gets_a_token_of_the_other_tenant_from_the_same_sign_in(
    home: Home, emulator: Emulator, ann: Account
) -> None:
    """git passed the tenant on, so the token endpoint is asked once and Azure DevOps never."""
    lines = [*at("fabrikam/app/_git/app"), *challenge(FABRIKAM)]
    bind(home, "fabrikam", ann)
    first = home.get(*lines)
    assert first.fields["password"] == ann.token(FABRIKAM) != ann.token()
    assert emulator.world.grants.access[ann.token(FABRIKAM)].tenant == FABRIKAM
    assert home.get(*lines).fields["password"] == ann.token(FABRIKAM)
    assert [(record.host, record.path) for record in emulator.requests] == [
        ("login.microsoftonline.com", f"/{FABRIKAM}/oauth2/v2.0/token")
    ]


def test_an_older_git_costs_one_question_until_a_token_worked(
    home: Home, emulator: Emulator, ann: Account
) -> None:
    """The tenant is learned when ``store`` confirms a token of it, and forgotten when one is refused."""
    lines = at("fabrikam/app/_git/app")
    bind(home, "fabrikam", ann)

    def heads() -> int:
        return len(emulator.seen("dev.azure.com/fabrikam", "HEAD"))

    given = home.get(*lines)
    assert (given.fields["password"], heads()) == (ann.token(FABRIKAM), 1)
    home.get(*lines)
    assert heads() == 2
    home.store(*lines, *given.lines)
    assert home.get(*lines).fields["password"] == ann.token(FABRIKAM)
    assert heads() == 2
    ann.let_pass(OLD, FABRIKAM)
    home.erase(*lines, *given.lines)
    home.get(*lines)
    assert heads() == 3


def test_the_question_for_the_tenant_carries_no_credential(
    home: Home, emulator: Emulator, ann: Account
) -> None:
    """Whoever answers it learns nothing."""
    bind(home, "fabrikam", ann)
    assert home.get(*at("fabrikam/app/_git/app")).fields["password"] == ann.token(FABRIKAM)
    (head,) = emulator.seen("dev.azure.com")
    assert (head.header("Authorization"), head.header("X-TFS-FedAuthRedirect")) == (None, "Suppress")


def test_a_challenge_of_a_stranger_names_no_tenant(home: Home, emulator: Emulator, ann: Account) -> None:
    """The header comes from whoever answered: only a GUID on a login host of Microsoft's counts."""
    stranger = f"wwwauth[]=Bearer authorization_uri=https://login.example.com/{FABRIKAM}"
    assert home.get(*at(), stranger).fields["password"] == ann.token()
    assert emulator.requests == []


@pytest.mark.parametrize("told", [[], challenge(TRANSFER)], ids=["an older git", "a newer git"])
def test_a_personal_account_serves_its_organization(home: Home, emulator: Emulator, told: list[str]) -> None:
    """No tenant backs that organization; the token comes from the transfer tenant."""
    kim = sign_in(home, emulator.world, KIM, tenant=TRANSFER)
    lines = at("hobby/app/_git/app")
    given = home.get(*lines, *told)
    assert given.fields["password"] == kim.token(TRANSFER)
    home.store(*lines, *given.lines)
    emulator.requests.clear()
    kim.let_pass(3_500, TRANSFER)
    assert home.get(*lines).fields["password"] == kim.token(TRANSFER) != given.fields["password"]
    assert [record.host for record in emulator.requests] == ["login.microsoftonline.com"]


def test_azure_devops_over_http_is_refused(home: Home, ann: Account) -> None:
    """Anybody on the way could read the token."""
    result = home.get(*at(protocol="http"))
    assert result.out == "quit=1\n"
    assert result.err.startswith("git-credential-azdo: error: Azure DevOps was asked over http")
    assert ann.token() not in result.err


def test_yield_lets_git_go_on_where_we_would_stop_it(home: Home, ann: Account) -> None:
    """AZDO_YIELD is for trying us in front of another helper: the line stays, ``quit`` does not."""
    assert ann.token()
    result = home.get(*at(protocol="http"), AZDO_YIELD="1")
    assert result.out == ""
    assert "over http" in result.err


LOOK_ALIKES = [
    at(host="dev.azure.com.example.com"),
    at(host="xdev.azure.com"),
    at(host="dev.azure.com:8443"),
    at(host="dev.azure.com."),
    at(host="contoso.visualstudio.com.example.com"),
    at(host="evil.contoso.visualstudio.com"),
    at(host="visualstudio.com"),
    at(host="app.visualstudio.com"),
    at(host="contosovisualstudio.com"),
    at(host="contoso.visualstudio.c\u043em"),
    at(host="github.com"),
    at(host="dev.azure.com", protocol="ssh"),
    at(host=""),
]


def test_hosts_that_only_look_alike_get_silence(home: Home, ann: Account) -> None:
    """No answer, no line, no change, for any verb."""
    before = everything_saved(home)
    given = [f"username={ANN}", f"password={ann.token()}"]
    for lines in LOOK_ALIKES:
        for result in (home.get(*lines), home.store(*lines, *given), home.erase(*lines, *given)):
            assert (lines, result.out, result.err, result.code) == (lines, "", "", 0)
        assert everything_saved(home) == before


def test_an_account_set_to_bearer_answers_a_header_to_a_git_that_can(home: Home, emulator: Emulator) -> None:
    """``authtype`` needs git 2.46; an older one gets the same token as a password."""
    ann = sign_in(home, emulator.world, ANN, "contoso", fields={"authtype": "Bearer"})
    lines = home.get("capability[]=authtype", "capability[]=state", *at()).lines
    assert {"capability[]=authtype", "capability[]=state"} < set(lines)
    assert lines.index("authtype=Bearer") + 1 == lines.index(f"credential={ann.token()}")
    assert not any(line.startswith(("username", "password=")) for line in lines)
    assert home.get(*at()).fields["password"] == ann.token()


def test_a_colon_in_the_name_does_not_end_the_user(home: Home, emulator: Emulator) -> None:
    """Basic ends the user at the first colon."""
    ann = sign_in(home, emulator.world, ANN, "contoso")
    ann.set_all("name", ["live.com:ann"])
    assert home.get(*at()).fields["username"] == "live.com_ann"


@pytest.mark.skipif(shutil.which("strace") is None, reason="Debian package missing: strace")
def test_a_live_token_costs_no_child_process_and_no_socket(
    home: Home, emulator: Emulator, ann: Account
) -> None:
    """Seen from the outside, by system calls."""
    trace = home.folder / "trace"
    words = ["strace", "-f", "-o", str(trace), "-e", "trace=execve,clone,fork,vfork,socket,connect"]
    given = "".join(f"{line}\n" for line in at())
    result = home.run(*words, SCRIPT, "get", given=given, secret_out=True)
    assert result.fields["password"] == ann.token()
    calls = [
        line.split(None, 1)[1].partition("(")[0] for line in trace.read_text().splitlines() if "(" in line
    ]
    assert (calls, emulator.requests) == (["execve"], [])
