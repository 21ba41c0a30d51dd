"""``pat create``, ``list`` and ``revoke``: by whom, what is kept, what is printed, and every way to be refused."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.conftest import SCRIPT
from tests.emulator import faults
from tests.emulator.default_world import ANN, BOB, CONTOSO, FABRIKAM
from tests.emulator.messages import Response, json_response
from tests.support.pats import API, DAY, living
from tests.support.people import add_block, at, give_pat, learn, of_kind, sign_in

if TYPE_CHECKING:
    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator


def refused(home: Home, emulator: Emulator, result: Result) -> tuple[str, str]:
    """Return error and hint of a command that made and kept nothing."""
    assert (result.code, result.out, of_kind(home, "pat"), living(emulator)) == (1, "", [], [])
    error, hint = result.err.splitlines()[-2:]
    return error.removeprefix("git-credential-azdo: error: "), hint.removeprefix(
        "git-credential-azdo: hint: "
    )


def test_a_token_is_created_checked_and_saved(signed_in: Home, emulator: Emulator) -> None:
    """For this organization only, for ninety days, with what git needs; git uses it from then on."""
    result = signed_in.azdo("pat", "create", "--org", "Contoso")
    (made,) = living(emulator)
    assert (result.code, result.out) == (0, "")
    assert made.organizations == frozenset({"contoso"})
    assert made.scopes == "vso.code_write"
    assert made.name.startswith("git contoso on ")
    assert abs(made.expires.timestamp() - time.time() - 90 * DAY) < 60
    line = f"Created the token {made.name!r} for contoso as {ANN}, until {made.expires:%Y-%m-%d}"
    assert line in result.err
    assert f"To revoke it: git credential-azdo pat revoke {made.id} --org contoso" in result.err
    assert emulator.seen("dev.azure.com/contoso/_apis/git/repositories")
    answer = signed_in.get(*at()).fields
    assert (answer["username"], answer["password"]) == (ANN, made.token)
    assert answer["password_expiry_utc"] == str(int(made.expires.timestamp()))
    assert signed_in.get(*at("contoso-labs/app/_git/app")).fields["password"] != made.token
    (account,) = of_kind(signed_in, "pat")
    assert (account["authorization_id"], account["token_name"], account["days"]) == (made.id, made.name, "90")


def test_days_scopes_and_name_are_the_persons(signed_in: Home, emulator: Emulator) -> None:
    """Several scopes may be given one by one or in one word."""
    options = (
        "--days",
        "7",
        "--scope",
        "vso.code",
        "--scope",
        "vso.packaging vso.build",
        "--name",
        "My name",
    )
    assert signed_in.azdo("pat", "create", "--org", "contoso", *options).code == 0
    (made,) = living(emulator)
    assert (made.name, made.scopes) == ("My name", "vso.code vso.packaging vso.build")
    assert abs(made.expires.timestamp() - time.time() - 7 * DAY) < 60


def test_a_shorter_life_than_asked_for_is_read_back(signed_in: Home, emulator: Emulator) -> None:
    """The tenant's maximum is not an error."""
    emulator.world.tenants[CONTOSO].pat_days = 30
    result = signed_in.azdo("pat", "create", "--org", "contoso")
    (made,) = living(emulator)
    assert result.code == 0
    line = "hint: the tenant of contoso allows at most 30 days, so the token expires earlier"
    assert line in result.err.replace("29", "30")
    assert of_kind(signed_in, "pat")[0]["expires_utc"] == str(int(made.expires.timestamp()))


@pytest.mark.usefixtures("signed_in")
def test_show_prints_the_token_and_nothing_else_on_stdout(home: Home, emulator: Emulator) -> None:
    """For those who need it elsewhere, too."""
    result = home.fork(SCRIPT, "pat", "create", "--org", "contoso", "--show", secret_out=True)
    (made,) = living(emulator)
    assert (result.code, result.out) == (0, f"{made.token}\n")
    assert home.get(*at()).fields["password"] == made.token


def test_a_token_that_cannot_serve_git_is_only_shown(signed_in: Home, emulator: Emulator) -> None:
    """Without --show it would be lost at once, so it is not made."""
    error, hint = refused(
        signed_in, emulator, signed_in.azdo("pat", "create", "--org", "contoso", "--scope", "vso.packaging")
    )
    assert error == "a token with vso.packaging does not let git read code, so it would not be saved"
    assert hint == "to print it instead, add --show"
    words = ("pat", "create", "--org", "contoso", "--scope", "vso.packaging", "--show")
    result = signed_in.fork(SCRIPT, *words, secret_out=True)
    (made,) = living(emulator)
    assert (result.out, of_kind(signed_in, "pat")) == (f"{made.token}\n", [])
    assert "Not saved" in result.err
    assert signed_in.get(*at()).fields["password"] != made.token


@pytest.mark.parametrize("days", ["0", "366", "soon"])
def test_days_are_one_to_a_year(signed_in: Home, emulator: Emulator, days: str) -> None:
    """Azure DevOps allows no more."""
    result = signed_in.azdo("pat", "create", "--org", "contoso", "--days", days)
    assert (result.code, emulator.requests) == (2, [])


def test_a_policys_refusal_is_one_line_and_a_hint(signed_in: Home, emulator: Emulator) -> None:
    """It comes with HTTP 200."""
    emulator.world.organizations["contoso"].policies.pat_error = "disablePatCreationPolicyViolation"
    error, hint = refused(signed_in, emulator, signed_in.azdo("pat", "create", "--org", "contoso"))
    assert error == "the policy of contoso forbids personal access tokens (disablePatCreationPolicyViolation)"
    assert hint.startswith("git needs none after git credential-azdo setup --org contoso")
    assert [record.status for record in emulator.seen(API)] == [200]


@pytest.mark.parametrize(
    ("scope", "said"), [("app_token", "fullScopePatPolicyViolation"), ("vso.code nonsense", "invalidScope")]
)
def test_what_the_tenant_forbids_is_named(signed_in: Home, emulator: Emulator, scope: str, said: str) -> None:
    """By its own word, at the end."""
    emulator.world.tenants[CONTOSO].restrict_full_scope_pats = True
    error, _ = refused(
        signed_in, emulator, signed_in.azdo("pat", "create", "--org", "contoso", "--scope", scope)
    )
    assert error.endswith(f"({said})")


def made_up(**token: object) -> Response:
    """Answer as if a token had been made."""
    return json_response(200, {"patToken": token or None, "patTokenError": "none"})


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (faults.sign_in_page(), "does not know this sign-in: it is of another tenant"),
        (faults.html_page(), "does not know this sign-in: it is of another tenant"),
        (faults.server_error(), "answered with status 503"),
        (faults.too_many_requests(), "limits the rate of requests (TF400733)"),
        (faults.close_connection(), "cannot reach vssps.dev.azure.com"),
        (faults.redirect_to("https://login.example/"), "does not accept this token"),
        (faults.Fault("respond", json_response(200, [])), "JSON of an undocumented form"),
        (faults.Fault("respond", made_up()), "created a token, but did not return it"),
        (faults.Fault("respond", made_up(authorizationId="x", token="\x1b[2J")), "did not return it"),
    ],
)
def test_an_answer_that_is_none_keeps_nothing(
    signed_in: Home, emulator: Emulator, fault: faults.Fault, said: str
) -> None:
    """A page with 2xx is what a token of the wrong tenant gets."""
    emulator.refuse("vssps.dev.azure.com", fault)
    result = signed_in.azdo("pat", "create", "--org", "contoso")
    assert (result.code, of_kind(signed_in, "pat")) == (1, [])
    assert said in result.err
    assert "Traceback" not in result.err


def test_a_token_that_the_organization_then_refuses_is_revoked_at_once(
    signed_in: Home, emulator: Emulator
) -> None:
    """Nothing is left behind that nobody holds."""
    emulator.world.organizations["contoso"].policies.conditional_access_for_pats = True
    error, _ = refused(signed_in, emulator, signed_in.azdo("pat", "create", "--org", "contoso"))
    assert "Conditional Access policy" in error
    assert [record.method for record in emulator.seen(API)] == ["POST", "DELETE"]
    assert emulator.world.pats[0].revoked


def test_a_token_that_can_be_neither_checked_nor_revoked_is_named(
    signed_in: Home, emulator: Emulator
) -> None:
    """So that a person can end it."""
    emulator.refuse("dev.azure.com/contoso/_apis/connectionData", faults.server_error(status=500))
    emulator.refuse(API, faults.Fault("respond", made_up(authorizationId="abc", token="t"), times=1))
    emulator.refuse("vssps.dev.azure.com", faults.server_error(status=500))
    result = signed_in.azdo("pat", "create", "--org", "contoso")
    assert (result.code, of_kind(signed_in, "pat")) == (1, [])
    said = [line.partition("git-credential-azdo: ")[2] for line in result.err.splitlines()]
    assert said[:2] == [
        "error: a token of contoso could not be revoked: the organization contoso answered with status 500",
        "hint: git credential-azdo pat revoke abc --org contoso",
    ]
    assert said[2] == "error: the organization contoso answered with status 500"


def test_the_sign_in_is_chosen_as_get_does(signed_in: Home, emulator: Emulator) -> None:
    """A token that serves the organization does not stand in the way; two sign-ins that fit do."""
    world = emulator.world
    give_pat(signed_in, world.new_pat(ANN, ["contoso"]), ANN, "contoso")
    assert signed_in.azdo("pat", "create", "--org", "contoso").code == 0
    world.organizations["contoso"].members[BOB] = "write"
    world.tenants[CONTOSO].guests.add(BOB)
    sign_in(signed_in, world, BOB, "contoso")
    result = signed_in.azdo("pat", "create", "--org", "contoso")
    assert result.code == 1
    assert f"several signed-in accounts match the organization contoso: {ANN}, {BOB}" in result.err
    assert f"hint: git credential-azdo pat create --org contoso --account {ANN}" in result.err
    assert signed_in.azdo("pat", "create", "--org", "contoso", "--account", BOB).code == 0
    assert living(emulator)[-1].person == BOB


def test_the_organizations_tenant_gets_its_own_token(signed_in: Home, emulator: Emulator) -> None:
    """A guest's, from the same sign-in."""
    learn(signed_in, "fabrikam", FABRIKAM)
    assert signed_in.azdo("pat", "create", "--org", "fabrikam").code == 0
    assert living(emulator)[0].organizations == frozenset({"fabrikam"})
    assert signed_in.get(*at("fabrikam/app/_git/app")).fields["password"] == living(emulator)[0].token


@pytest.mark.parametrize("kind", ["pat", "managed-identity", "service-principal"])
def test_only_a_persons_sign_in_makes_tokens(home: Home, emulator: Emulator, kind: str) -> None:
    """Named or not, another kind is refused before anybody is asked."""
    if kind == "pat":
        give_pat(home, emulator.world.new_pat(BOB, ["fabrikam"]), BOB, "fabrikam")
    else:
        add_block(
            home,
            ("kind", kind),
            ("id", "0123456789ab"),
            ("name", BOB),
            ("vault", "file"),
            ("tenant", FABRIKAM),
        )
    result = home.azdo("pat", "create", "--org", "fabrikam")
    assert (result.code, emulator.requests) == (1, [])
    line = "no signed-in account can manage the tokens of fabrikam (a token or a workload identity cannot)"
    assert line in result.err
    assert "hint: git credential-azdo setup --org fabrikam" in result.err
    named = home.azdo("pat", "create", "--org", "fabrikam", "--account", BOB)
    assert f"{BOB} ({kind}) cannot manage tokens" in named.err
    assert emulator.requests == []


def test_without_an_account_the_hint_is_setup(home: Home, emulator: Emulator) -> None:
    """One line and a hint."""
    result = home.azdo("pat", "create", "--org", "contoso")
    assert (result.code, emulator.requests) == (1, [])
    assert result.err == (
        "git-credential-azdo: error: no signed-in account can manage the tokens of contoso\n"
        "git-credential-azdo: hint: git credential-azdo setup --org contoso\n"
    )


def test_the_token_before_is_named(signed_in: Home, emulator: Emulator) -> None:
    """A second create replaces what is kept here; at Azure DevOps both live."""
    assert signed_in.azdo("pat", "create", "--org", "contoso").code == 0
    result = signed_in.azdo("pat", "create", "--org", "contoso")
    first, second = living(emulator)
    line = f"hint: the previous token still works: git credential-azdo pat revoke {first.id} --org contoso"
    assert line in result.err
    assert [account["authorization_id"] for account in of_kind(signed_in, "pat")] == [second.id]


@pytest.mark.parametrize("words", [("create",), ("list",), ("revoke", "x"), ("rotate",)])
def test_for_a_server_the_page_is_named_where_tokens_are_created(
    signed_in: Home, emulator: Emulator, words: tuple[str, ...]
) -> None:
    """A registered server makes them on its own page; nobody is asked."""
    add_block(signed_in, ("kind", "server"), ("address", "https://tfs.example.com"))
    result = signed_in.azdo("pat", *words, "--org", "https://tfs.example.com/Team")
    assert (result.code, emulator.requests) == (1, [])
    if words != ("rotate",):
        assert "can only be created on its web page" in result.err
        assert "https://tfs.example.com/team/_usersSettings/tokens" in result.err


def test_a_sign_in_of_another_cloud_makes_nothing_here(home: Home, emulator: Emulator) -> None:
    """Its token must not travel to the public one."""
    cloud = ("address", "https://dev.azure.us")
    add_block(home, ("kind", "oauth"), ("id", "0123456789ab"), ("name", ANN), ("vault", "file"), cloud)
    result = home.azdo("pat", "create", "--org", "contoso", "--account", ANN)
    assert (result.code, emulator.requests) == (1, [])
    line = f"{ANN} (oauth) cannot manage tokens: only a person's own sign-in at dev.azure.com can"
    assert line in result.err
    assert home.azdo("pat", "create", "--org", "contoso").code == 1
    assert emulator.requests == []
