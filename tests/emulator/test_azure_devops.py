"""The emulator's Azure DevOps: who is let in, how others are refused, what goes wrong on the way."""

from __future__ import annotations

import pytest

from tests.emulator.client import ORG, PROJECTS, REPOSITORIES, Client, basic, bearer
from tests.emulator.default_world import ANN, CONTOSO, FABRIKAM, KIM
from tests.emulator.model import NO_TENANT, TRANSFER, App

CONNECTION = "/_apis/connectionData?api-version=7.1-preview.1"
PROFILE = "/_apis/profile/profiles/me?api-version=7.1"


# Entra tokens


def test_an_entra_token_passes_as_bearer_and_as_password(client: Client) -> None:
    """Both carry it, with any user name."""
    token = client.emulator.world.new_access_token(ANN, CONTOSO)
    assert [client.get(PROJECTS, way(token)).status_code for way in (bearer, basic)] == [200, 200]


@pytest.mark.parametrize(
    ("person", "tenant", "audience", "seconds"),
    [
        pytest.param(ANN, FABRIKAM, "499b84ac-1321-427f-aa17-267ca6975798", 60, id="wrong tenant"),
        pytest.param(ANN, CONTOSO, "00000003-0000-0000-c000-000000000000", 60, id="wrong audience"),
        pytest.param(ANN, CONTOSO, "499b84ac-1321-427f-aa17-267ca6975798", -1, id="expired"),
    ],
)
def test_an_unfit_entra_token_is_refused(
    client: Client, person: str, tenant: str, audience: str, seconds: int
) -> None:
    """As Bearer with a reason, as Basic with a bare 401."""
    token = client.emulator.world.new_access_token(person, tenant, audience, seconds=seconds)
    said = client.get(PROJECTS, bearer(token))
    assert (said.status_code, said.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "TF400813" in said.text
    bare = client.get(PROJECTS, basic(token))
    assert (bare.status_code, bare.content) == (401, b"")


def test_a_known_person_without_access_is_reported(client: Client) -> None:
    """Somebody of the tenant who is not a member gets UnauthorizedRequestException."""
    client.emulator.world.add_person("eve@contoso.com", "Eve", CONTOSO)
    token = client.emulator.world.new_access_token("eve@contoso.com", CONTOSO)
    assert "UnauthorizedRequestException" in client.get(PROJECTS, bearer(token)).text


def test_a_personal_organization_takes_the_transfer_tenants_tokens(client: Client) -> None:
    """Or a guest's token of a personal account, when the caller asks for the pass-through."""
    url = "https://dev.azure.com/hobby/_apis/projects"
    world = client.emulator.world
    assert world.organizations["hobby"].tenant == NO_TENANT
    assert client.get(url, bearer(world.new_access_token(KIM, TRANSFER))).status_code == 200
    guest = bearer(world.new_access_token(KIM, CONTOSO))
    assert client.get(url, guest).status_code == 401
    assert client.get(url, {**guest, "X-VSS-ForceMsaPassThrough": "true"}).status_code == 200


def test_a_third_party_app_can_be_switched_off(client: Client) -> None:
    """The organization's policy refuses tokens of apps that are not Microsoft's."""
    world = client.emulator.world
    world.add_app(App("own", "Own app", tenant=CONTOSO))
    token = world.grants.new_access(
        ANN, CONTOSO, "own", "499b84ac-1321-427f-aa17-267ca6975798", ".default", seconds=60
    )
    statuses = []
    for allowed in (True, False):
        world.organizations["contoso"].policies.third_party_oauth = allowed
        statuses.append(client.get(PROJECTS, bearer(token.value)).status_code)
    assert statuses == [200, 401]


# Nobody, and everybody


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("organization", ["contoso", "fabrikam", "hobby"])
def test_an_organizations_address_tells_its_tenant(client: Client, method: str, organization: str) -> None:
    """Without a credential, under Suppress, in both spellings."""
    expected = client.emulator.world.organizations[organization].tenant
    for url in (f"https://dev.azure.com/{organization}", f"https://{organization}.visualstudio.com/"):
        answer = client.http.request(method, url, headers={"X-TFS-FedAuthRedirect": "Suppress"})
        assert (answer.status_code, answer.headers["X-VSS-ResourceTenant"]) == (401, expected)


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic bm8tY29sb24=", "Negotiate x"])
def test_a_malformed_credential_gets_the_sign_in_page(client: Client, header: str) -> None:
    """203 without Suppress, 401 with it."""
    headers = {"Authorization": header}
    assert client.get(PROJECTS, headers).status_code == 203
    assert client.get(PROJECTS, headers, suppress=True).status_code == 401


def test_no_request_is_sent_to_the_sign_in_page(client: Client) -> None:
    """A request without a credential gets a redirect, which leads to a page."""
    answer = client.get(PROJECTS)
    assert answer.status_code == 302
    assert "Sign In" in client.get(answer.headers["Location"]).text


def test_connection_data_of_public_organizations_is_public(client: Client) -> None:
    """With no or a bad credential the caller is Anonymous; a private organization refuses."""
    pat = client.emulator.world.new_pat(ANN, ["contoso"])
    client.emulator.world.revoke(pat)
    for headers in ({}, basic("bogus"), basic(pat)):
        answer = client.get(f"https://dev.azure.com/contoso-open{CONNECTION}", headers, suppress=True)
        assert answer.json()["authenticatedUser"]["descriptor"].startswith("System:PublicAccess;")
        assert client.get(f"{ORG}{CONNECTION}", headers, suppress=True).status_code == 401


def test_connection_data_names_the_person(client: Client) -> None:
    """A guest is shown with the organization's tenant, a personal account with Windows Live ID."""
    world = client.emulator.world
    for organization, person, domain in (("fabrikam", ANN, FABRIKAM), ("hobby", KIM, "Windows Live ID")):
        url = f"https://dev.azure.com/{organization}{CONNECTION}"
        user = client.get(url, basic(world.new_pat(person, [organization]))).json()["authenticatedUser"]
        assert user["descriptor"].endswith(f";{domain}\\{person}")
        assert user["properties"]["Account"]["$value"] == person


def test_versions_are_checked(client: Client) -> None:
    """ConnectionData wants a preview version; nothing has version 9."""
    headers = basic(client.emulator.world.new_pat(ANN, ["contoso"]))
    assert client.get(f"{ORG}/_apis/connectionData?api-version=7.1", headers).status_code == 400
    answer = client.get(f"{PROJECTS}?api-version=9.0", headers)
    assert (answer.status_code, answer.json()["typeKey"]) == (400, "VssVersionOutOfRangeException")


def test_accounts_lists_the_organizations_of_the_tokens_tenant(client: Client) -> None:
    """A guest sees other organizations with another tenant's token; a personal account sees its own."""
    world, host = client.emulator.world, "https://app.vssps.visualstudio.com"
    for person, tenant, names in (
        (ANN, CONTOSO, ["contoso", "contoso-labs"]),
        (ANN, FABRIKAM, ["fabrikam"]),
        (KIM, TRANSFER, ["hobby"]),
    ):
        headers = bearer(world.new_access_token(person, tenant))
        member = client.get(f"{host}{PROFILE}", headers).json()["id"]
        found = client.get(f"{host}/_apis/accounts?memberId={member}&api-version=7.1", headers).json()
        assert [one["accountName"] for one in found["value"]] == names
        assert found["count"] == len(names)


def test_repositories_lists_what_the_caller_may_read(client: Client) -> None:
    """A repository without a right is not listed, and is not found by name."""
    world = client.emulator.world
    headers = basic(world.new_pat(ANN, ["contoso"]))
    world.create_repository("contoso", "secret", "plans").rights[ANN] = "none"
    found = client.get(REPOSITORIES, headers).json()
    assert sorted(one["name"] for one in found["value"]) == ["50% off", "My Repo", "app", "app.wiki"]
    one = next(one for one in found["value"] if one["name"] == "My Repo")
    assert one["remoteUrl"] == f"{ORG}/My%20Project/_git/My%20Repo"
    assert client.get(f"{ORG}/secret/_apis/git/repositories/plans", headers).status_code == 404
    assert (
        client.get(f"{ORG}/_apis/git/repositories/plans", headers).json()["typeKey"]
        == "GitRepositoryNotFoundException"
    )


def test_an_unknown_organization_is_not_found(client: Client) -> None:
    """It has no tenant to tell."""
    answer = client.get("https://dev.azure.com/nobody", suppress=True)
    assert (answer.status_code, "X-VSS-ResourceTenant" in answer.headers) == (404, False)


def test_other_servers_are_played_over_both_schemes(client: Client) -> None:
    """With Basic, and with the challenges that the test wants."""
    emulator = client.emulator
    emulator.add_server("https://git.example.com:8443", {"ann": "s3cret"})
    emulator.add_server("http://tfs.example.com", {"bob": "hunter2"}, ["Negotiate", "NTLM"])
    refs = "tfs/DefaultCollection/app/_git/app/info/refs?service=git-upload-pack"
    for url, user, password, offered in (
        ("https://git.example.com:8443", "ann", "s3cret", 'Basic realm="https://git.example.com:8443/"'),
        ("http://tfs.example.com", "bob", "hunter2", "Negotiate, NTLM"),
    ):
        refused = client.get(f"{url}/{refs}", basic("wrong", user))
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, offered)
        assert client.get(f"{url}/{refs}", basic(password, user)).status_code == 200
