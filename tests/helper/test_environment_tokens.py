"""Tokens in the environment: which request they serve, and that they are never kept and never go elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN, BOB, FABRIKAM
from tests.support.people import at, bind, challenge, everything_saved, give_pat, sign_in
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

SERVER = at("DefaultCollection/app/_git/app", "tfs.example.com")
COLLECTION = "https://dev.azure.com/contoso/"


@pytest.fixture
def token() -> str:
    """Return a token for the environment."""
    return new_password(52)


def in_pipeline(token: str, collection: str = COLLECTION) -> dict[str, str]:
    """Return the variables that Azure Pipelines sets."""
    return {"TF_BUILD": "True", "SYSTEM_ACCESSTOKEN": token, "SYSTEM_COLLECTIONURI": collection}


@pytest.mark.parametrize(
    "lines",
    [at(), at(None), at("any/app/_git/app"), at(None, "any.visualstudio.com"), at(username="contoso")],
)
def test_a_personal_token_serves_every_organization(home: Home, token: str, lines: list[str]) -> None:
    """With no account here; the user is left out only when git knows one. Nothing is written."""
    result = home.get(*lines, AZURE_DEVOPS_EXT_PAT=token)
    user = [] if "username=contoso" in lines else ["username=azdo"]
    assert (result.lines, result.err) == ([*user, f"password={token}"], "")
    assert not home.accounts_file.exists()


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(at(username="eve@contoso.com"), id="a named user"),
        pytest.param(at(protocol="http"), id="http"),
        pytest.param(SERVER, id="a server of one's own"),
        pytest.param(at(host="github.com"), id="somebody else's host"),
    ],
)
def test_a_personal_token_serves_no_other_user(home: Home, token: str, lines: list[str]) -> None:
    """No named user, no http, no other host: neither answers."""
    assert "password" not in home.get(*lines, AZURE_DEVOPS_EXT_PAT=token).out


def test_a_personal_token_does_not_go_to_a_registered_server(home: Home, token: str) -> None:
    """It belongs to Azure DevOps Services only."""
    assert home.azdo("server", "add", "https://tfs.example.com", "--vault", "file").code == 0
    assert home.get(*SERVER, AZURE_DEVOPS_EXT_PAT=token).out == ""


def test_an_account_set_up_for_the_organization_comes_first_outside_ci(
    home: Home, emulator: Emulator, token: str
) -> None:
    """Listing or bound; an account that merely could serve steps back; in CI the variable leads."""
    ann = sign_in(home, emulator.world, ANN, "contoso")
    assert home.get(*at(), AZURE_DEVOPS_EXT_PAT=token).fields["password"] == ann.token()
    assert home.get(*at("other/app/_git/app"), AZURE_DEVOPS_EXT_PAT=token).fields["password"] == token
    assert home.get(*at(), AZURE_DEVOPS_EXT_PAT=token, CI="true").fields["password"] == token
    assert home.get(*at(), AZURE_DEVOPS_EXT_PAT=token, TF_BUILD="True").fields["password"] == token
    bob = sign_in(home, emulator.world, BOB, tenant=FABRIKAM)
    bind(home, "fabrikam/app/app", bob)
    bound = home.get(*at("fabrikam/app/_git/app"), *challenge(FABRIKAM), AZURE_DEVOPS_EXT_PAT=token)
    assert bound.fields["username"] == BOB


def test_a_named_account_beats_the_variable(home: Home, emulator: Emulator, token: str) -> None:
    """The user in the request is never overridden."""
    ann = sign_in(home, emulator.world, ANN)
    result = home.get(*at(username=ANN), AZURE_DEVOPS_EXT_PAT=token, CI="true")
    assert result.fields["password"] == ann.token()


@pytest.mark.parametrize(
    "collection",
    [
        COLLECTION,
        "https://dev.azure.com/Contoso",
        "https://contoso.visualstudio.com/",
        "https://CONTOSO.visualstudio.com",
    ],
)
@pytest.mark.parametrize(
    "lines", [at(), at(None), at(None, "contoso.visualstudio.com"), at(username="contoso")]
)
def test_a_pipelines_token_serves_its_collection(
    home: Home, token: str, collection: str, lines: list[str]
) -> None:
    """Both spellings; a request without a path cannot be told from it."""
    assert home.get(*lines, **in_pipeline(token, collection)).fields["password"] == token


@pytest.mark.parametrize(
    "lines",
    [
        at("fabrikam/app/_git/app"),
        at(None, "fabrikam.visualstudio.com"),
        at(username="eve@contoso.com"),
        at(protocol="http"),
        at(host="github.com"),
        SERVER,
    ],
    ids=" ".join,
)
def test_a_pipelines_token_goes_nowhere_else(home: Home, token: str, lines: list[str]) -> None:
    """Another organization, a named user, http, another host."""
    assert "password" not in home.get(*lines, **in_pipeline(token)).out


@pytest.mark.parametrize("variable", ["TF_BUILD", "SYSTEM_ACCESSTOKEN", "SYSTEM_COLLECTIONURI"])
def test_a_pipelines_token_needs_all_three_variables(home: Home, token: str, variable: str) -> None:
    """Without one of them it is not known where the token belongs."""
    environment = in_pipeline(token)
    del environment[variable]
    assert home.get(*at(), **environment).out == ""
    assert home.get(*at(), **{**environment, variable: ""}).out == ""


def test_a_pipelines_token_beats_an_account_and_a_personal_token(
    home: Home, emulator: Emulator, token: str
) -> None:
    """It is the pipeline's own; for another organization the personal one serves."""
    sign_in(home, emulator.world, ANN, "contoso")
    personal = new_password(52)
    environment = {**in_pipeline(token), "AZURE_DEVOPS_EXT_PAT": personal}
    assert home.get(*at(), **environment).fields["password"] == token
    assert home.get(*at("fabrikam/app/_git/app"), **environment).fields["password"] == personal


def test_a_pipelines_token_serves_the_on_premises_server_it_came_from(home: Home, token: str) -> None:
    """Registered or not; another port or scheme is another server."""
    environment = in_pipeline(token, "https://tfs.example.com/tfs/DefaultCollection/")
    assert home.get(*SERVER, **environment).fields == {"username": "azdo", "password": token}
    assert home.get(*at(host="tfs.example.com:443"), **environment).fields["password"] == token
    assert home.get(*at(host="tfs.example.com:8443"), **environment).out == ""
    assert home.get(*at(host="tfs.example.com", protocol="http"), **environment).out == ""
    assert home.get(*at(), **environment).out == ""


@pytest.mark.parametrize(
    ("lines", "collection"),
    [(at(), COLLECTION), (SERVER, "https://tfs.example.com/tfs/")],
    ids=["services", "server"],
)
def test_a_token_of_the_environment_is_never_stored_and_its_refusal_names_the_variable(
    file_home: Home, token: str, lines: list[str], collection: str
) -> None:
    """Storing it changes nothing; erasing it changes nothing and says which variable to look at."""
    before = everything_saved(file_home)
    given = [*lines, "username=azdo", f"password={token}"]
    environment = in_pipeline(token, collection)
    assert file_home.store(*given, **environment).err == ""
    result = file_home.erase(*given, **environment)
    assert (result.out, result.code) == ("", 0)
    assert result.err == (
        "git-credential-azdo: error: the token in the environment variable SYSTEM_ACCESSTOKEN was rejected\n"
    )
    assert everything_saved(file_home) == before


def test_a_personal_tokens_refusal_names_its_variable(home: Home, token: str) -> None:
    """One line."""
    result = home.erase(*at(username="azdo", password=token), AZURE_DEVOPS_EXT_PAT=token)
    assert "variable AZURE_DEVOPS_EXT_PAT was rejected" in result.err
    assert not home.accounts_file.exists()


def test_a_token_of_ours_that_is_also_in_the_environment_is_ours(home: Home, emulator: Emulator) -> None:
    """Its refusal marks the account, and nothing is deleted."""
    secret = emulator.world.new_pat(BOB)
    pat = give_pat(home, secret, BOB, "fabrikam")
    lines = at("fabrikam/app/_git/app", username=BOB, password=secret)
    assert home.erase(*lines, AZURE_DEVOPS_EXT_PAT=secret).err == ""
    assert pat.all("rejected[]")


@pytest.mark.parametrize("verb", ["get", "store", "erase"])
def test_in_a_pipeline_other_hosts_are_still_no_business_of_ours(
    file_home: Home, token: str, verb: str
) -> None:
    """Nothing is answered, kept or said."""
    before = everything_saved(file_home)
    lines = at(host="github.com", username="octo", password=new_password())
    given = "".join(f"{line}\n" for line in lines)
    result = file_home.azdo(verb, given=given, **in_pipeline(token))
    assert (result.out, result.err, result.code) == ("", "", 0)
    assert everything_saved(file_home) == before


def test_a_value_that_is_no_token_is_named_and_counts_as_not_set(
    home: Home, emulator: Emulator, token: str
) -> None:
    """It hides neither an account nor the other variable; what merely stands around a token is dropped."""
    ann = sign_in(home, emulator.world, ANN, "contoso")
    unset = (
        "the environment variable AZURE_DEVOPS_EXT_PAT contains $(AZDO_PAT) instead of a token; it is ignored"
    )
    result = home.get(*at(), AZURE_DEVOPS_EXT_PAT="$(AZDO_PAT)", CI="true")
    assert result.fields["password"] == ann.token()
    assert result.err == f"git-credential-azdo: hint: {unset}\n"
    both = {**in_pipeline(f" {token}\r\n"), "AZURE_DEVOPS_EXT_PAT": "$(AZDO_PAT)"}
    assert home.get(*at(), **both).fields["password"] == token
    lines = at(username="azdo", password=token)
    assert "SYSTEM_ACCESSTOKEN was rejected" in home.erase(*lines, **both).err
    assert home.get(*at(username=ANN), AZURE_DEVOPS_EXT_PAT="$(AZDO_PAT)").err == ""


def test_an_account_bound_to_the_organization_comes_before_the_pipelines_token(
    home: Home, emulator: Emulator, token: str
) -> None:
    """A federated account needs the variable for its own request, and could never serve otherwise."""
    ann = sign_in(home, emulator.world, ANN, "contoso")
    assert home.get(*at(), **in_pipeline(token)).fields["password"] == token
    bind(home, "contoso", ann)
    assert home.get(*at(), **in_pipeline(token)).fields["password"] == ann.token()


@pytest.mark.parametrize(
    ("environment", "variable"),
    [
        (
            {"TF_BUILD": "True", "SYSTEM_COLLECTIONURI": COLLECTION},
            "SYSTEM_ACCESSTOKEN: $(System.AccessToken)",
        ),
        ({"TF_BUILD": "True", "SYSTEM_COLLECTIONURI": COLLECTION[:-2]}, "AZURE_DEVOPS_EXT_PAT: $("),
        ({"GITHUB_ACTIONS": "true"}, "AZURE_DEVOPS_EXT_PAT: ${{ secrets.AZURE_DEVOPS_EXT_PAT }}"),
        ({"GITLAB_CI": "true"}, "Variables: AZURE_DEVOPS_EXT_PAT"),
        ({"CI": "1"}, "variable AZURE_DEVOPS_EXT_PAT"),
        ({}, "git credential-azdo setup --org contoso"),
    ],
)
def test_ci_without_a_token_shows_the_variable(
    home: Home, environment: dict[str, str], variable: str
) -> None:
    """A person's sign-in is no cure there."""
    result = home.get(*at(), **environment)
    assert (result.out, result.err.count("\n"), variable in result.err) == ("", 1, True), result.err


def test_the_variables_value_used_for_another_host_is_no_business_of_ours(home: Home, token: str) -> None:
    """git asks every helper to erase what one host refused."""
    lines = at(host="github.com", username="azdo", password=token)
    for result in (home.erase(*lines, **in_pipeline(token)), home.erase(*lines, AZURE_DEVOPS_EXT_PAT=token)):
        assert (result.out, result.err, result.code) == ("", "", 0)
