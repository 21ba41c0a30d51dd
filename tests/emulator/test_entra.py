"""The emulator's Entra: the flows by which a person or a program gets tokens, and how each of them is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator import tokens
from tests.emulator.browser import ShownError
from tests.emulator.client import LOGIN, OWN_APP, PROJECTS, SCOPE, Client, basic, bearer
from tests.emulator.default_world import ANN, CONTOSO, FABRIKAM, KIM
from tests.emulator.entra_token import ASSERTION, DEVICE_GRANT
from tests.emulator.model import CONSUMERS, RESOURCE, TRANSFER, VISUAL_STUDIO, App

if TYPE_CHECKING:
    import httpx


def codes(answer: httpx.Response) -> list[int]:
    """Give the AADSTS codes of an error body."""
    found: list[int] = answer.json()["error_codes"]
    return found


# OpenID configuration


@pytest.mark.parametrize(
    ("path", "issuer"),
    [
        ("common", "{tenantid}"),
        ("organizations", "{tenantid}"),
        ("consumers", CONSUMERS),
        (CONTOSO, CONTOSO),
        ("contoso.com", CONTOSO),
    ],
)
def test_configuration_names_issuer_and_endpoints(client: Client, path: str, issuer: str) -> None:
    """Endpoints keep the path that was asked; the issuer is the tenant's."""
    found = client.get(f"{LOGIN}/{path}/v2.0/.well-known/openid-configuration").json()
    assert found["issuer"] == f"{LOGIN}/{issuer}/v2.0"
    assert found["token_endpoint"] == f"{LOGIN}/{path}/oauth2/v2.0/token"
    assert found["authorization_endpoint"] == f"{LOGIN}/{path}/oauth2/v2.0/authorize"
    assert found["device_authorization_endpoint"] == f"{LOGIN}/{path}/oauth2/v2.0/devicecode"


def test_an_unknown_tenant_has_no_configuration(client: Client) -> None:
    """It is refused with 90002."""
    assert codes(client.get(f"{LOGIN}/nobody.example/v2.0/.well-known/openid-configuration")) == [90002]


# Authorization code


def test_a_sign_in_gives_tokens_that_work(client: Client) -> None:
    """The redirect carries code, state and session_state; the tokens carry the person."""
    back = client.sign_in()
    assert list(back) == ["code", "state", "session_state"]
    assert back["state"] == "a state"
    answer = client.redeem(back["code"]).json()
    assert (len(answer["access_token"]), len(answer["refresh_token"]) > 1000) == (1800, True)
    assert client.get(PROJECTS, basic(answer["access_token"])).status_code == 200


def test_the_id_token_says_who_signed_in(client: Client) -> None:
    """Also of a guest, and of a personal account, whose tenant is the transfer tenant."""
    for person, tenant, expected in (
        (ANN, "organizations", CONTOSO),
        (ANN, "fabrikam.com", FABRIKAM),
        (KIM, "organizations", TRANSFER),
    ):
        code = client.sign_in(person, tenant, nonce="n")["code"]
        claims = tokens.claims_of(client.redeem(code, tenant).json()["id_token"])
        assert (claims["tid"], claims["preferred_username"], claims["nonce"]) == (expected, person, "n")
        assert (claims["iss"], claims["aud"]) == (f"{LOGIN}/{expected}/v2.0", VISUAL_STUDIO)


def test_what_was_not_asked_for_is_not_given(client: Client) -> None:
    """No refresh token without offline_access, no id_token without openid."""
    scope = f"{RESOURCE}/.default"
    answer = client.redeem(client.sign_in(scope=scope)["code"], scope=scope).json()
    assert not {"refresh_token", "id_token"} & set(answer)


def test_a_code_is_bound(client: Client) -> None:
    """To redirect URI, tenant path and client; a mistake does not use it up."""
    code = client.sign_in()["code"]
    assert codes(client.redeem(code, redirect_uri="http://localhost:9/")) == [500112]
    assert codes(client.redeem(code, "common")) == [700005]
    assert codes(client.redeem(code + "x")) == [70000]
    assert codes(client.redeem(code, client_secret="s")) == [700025]
    assert client.redeem(code).status_code == 200


# Refresh


def test_a_refresh_rotates_and_leaves_the_old_token_good(client: Client) -> None:
    """Every answer brings a new refresh token."""
    first = client.tokens()["refresh_token"]
    seen = {first}
    for _ in range(2):
        seen.add(client.refresh(first).json()["refresh_token"])
    assert len(seen) == 3
    assert all(client.refresh(token).status_code == 200 for token in seen)


def test_a_refresh_token_serves_every_tenant_of_the_person(client: Client) -> None:
    """A guest's token opens the other tenant's organization."""
    token = client.tokens()["refresh_token"]
    for tenant, organization in ((CONTOSO, "contoso"), (FABRIKAM, "fabrikam")):
        access = client.refresh(token, tenant).json()["access_token"]
        assert client.get(PROJECTS.replace("contoso", organization), bearer(access)).status_code == 200


def test_a_personal_account_refreshes_at_organizations_and_in_the_transfer_tenant(client: Client) -> None:
    """And its token opens the personal organization."""
    token = client.tokens(KIM)["refresh_token"]
    for path in ("organizations", TRANSFER):
        access = client.refresh(token, path).json()["access_token"]
        assert client.get(PROJECTS.replace("contoso", "hobby"), basic(access)).status_code == 200


def test_a_refresh_token_slides(client: Client) -> None:
    """Used every 60 days it lives on; its predecessor does not."""
    first = client.tokens()["refresh_token"]
    client.emulator.world.advance(60 * 86400)
    second = client.refresh(first).json()["refresh_token"]
    client.emulator.world.advance(60 * 86400)
    assert codes(client.refresh(first)) == [700082]
    assert client.refresh(second).status_code == 200


def test_an_access_token_ends(client: Client) -> None:
    """After the tenant's time; the refresh token brings a new one."""
    client.emulator.world.tenants[CONTOSO].access_token_seconds = 600
    answer = client.tokens()
    assert answer["expires_in"] == 600
    client.emulator.world.advance(601)
    assert client.get(PROJECTS, bearer(answer["access_token"])).status_code == 401
    assert client.refresh(answer["refresh_token"]).status_code == 200


def test_a_revoked_person_signs_in_anew(client: Client) -> None:
    """Old refresh tokens are dead, new ones are not."""
    old = client.tokens()["refresh_token"]
    client.emulator.world.grants.revoke_sign_ins(ANN)
    assert codes(client.refresh(old)) == [50173]
    assert client.refresh(client.tokens()["refresh_token"]).status_code == 200


@pytest.mark.parametrize("code", [50076, 53003, 90055, 90033])
def test_the_next_answer_can_be_any_error(client: Client, code: int) -> None:
    """Once."""
    token = client.tokens()["refresh_token"]
    client.emulator.world.fail_next("token", code)
    assert codes(client.refresh(token)) == [code]
    assert client.refresh(token).status_code == 200


# Device code


def test_a_device_gets_tokens_when_its_code_was_typed(client: Client) -> None:
    """Once, and only then."""
    form = {"client_id": VISUAL_STUDIO, "scope": SCOPE}
    device = client.http.post(f"{LOGIN}/organizations/oauth2/v2.0/devicecode", data=form).json()
    assert device["verification_uri"] in device["message"]
    poll = {"grant_type": DEVICE_GRANT, "device_code": device["device_code"]}
    assert client.token("organizations", **poll).json()["error"] == "authorization_pending"
    with pytest.raises(ShownError, match="AADSTS70018:"):
        client.emulator.enter_device_code("WRONGCODE")
    client.emulator.enter_device_code(device["user_code"].lower())
    answer = client.token("organizations", **poll).json()
    assert client.get(PROJECTS, bearer(answer["access_token"])).status_code == 200
    assert client.token("organizations", **poll).json()["error"] == "bad_verification_code"


def test_a_tenant_can_block_device_codes(client: Client) -> None:
    """By Conditional Access, after the person has signed in."""
    client.emulator.world.tenants[CONTOSO].blocks_device_code = True
    form = {"client_id": VISUAL_STUDIO, "scope": SCOPE}
    device = client.http.post(f"{LOGIN}/organizations/oauth2/v2.0/devicecode", data=form).json()
    client.emulator.enter_device_code(device["user_code"])
    poll = {"grant_type": DEVICE_GRANT, "device_code": device["device_code"]}
    assert codes(client.token("organizations", **poll)) == [53003]


# Programs


@pytest.fixture
def service(client: Client) -> Client:
    """Register a service principal with a secret and a federation, a member of contoso."""
    pairs = {("https://issuer.example.com", "repo"), (OWN_APP, OWN_APP)}
    app = App(OWN_APP, "Build", public=False, tenant=CONTOSO, secrets={"s3cret"}, federated=pairs)
    client.emulator.world.add_app(app)
    client.emulator.world.organizations["contoso"].members[OWN_APP] = "read"
    return client


def ask(client: Client, tenant: str = CONTOSO, **proof: str) -> httpx.Response:
    """Ask for a token as the service principal."""
    scope = f"{RESOURCE}/.default"
    return client.token(tenant, client_id=OWN_APP, grant_type="client_credentials", scope=scope, **proof)


@pytest.mark.parametrize("pair", [("https://issuer.example.com", "repo"), (OWN_APP, OWN_APP), None])
def test_a_service_principal_gets_a_token(service: Client, pair: tuple[str, str] | None) -> None:
    """By its secret, by federation, or by its own assertion; and never a refresh token."""
    proof = {"client_secret": "s3cret"}
    if pair:
        claims = {"iss": pair[0], "sub": pair[1], "exp": service.emulator.world.now().timestamp() + 60}
        proof = {"client_assertion_type": ASSERTION, "client_assertion": tokens.id_token(claims)}
    answer = ask(service, **proof).json()
    assert "refresh_token" not in answer
    assert service.get(PROJECTS, bearer(answer["access_token"])).status_code == 200


def test_a_service_principal_is_refused(service: Client) -> None:
    """With a wrong secret, a stale or foreign assertion, or at common."""
    stale = tokens.id_token({"iss": OWN_APP, "sub": OWN_APP, "exp": 0})
    assert codes(ask(service, client_secret="wrong")) == [7000215]
    assert codes(ask(service, client_assertion_type=ASSERTION, client_assertion=stale)) == [700027]
    assert codes(ask(service, client_assertion_type=ASSERTION, client_assertion="no jwt")) == [700027]
    assert codes(ask(service, "common", client_secret="s3cret")) == [9001023]
    assert codes(service.token(CONTOSO, grant_type="password")) == [70003]
    assert codes(service.token(CONTOSO)) == [900144]
