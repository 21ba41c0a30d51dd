"""How each example of ``examples.json`` is provoked: one function an entry, from a fresh emulator to its answer.

Compares nothing; that is the test's. Every function brings the world into the state that the answer needs, and
gives the answer to one last request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.emulator import metadata, tokens
from tests.emulator.client import LOGIN, VERIFIER, Client, basic, bearer
from tests.emulator.default_world import ANN, BOB, CONTOSO, FABRIKAM, KIM
from tests.emulator.entra_token import ASSERTION, DEVICE_GRANT
from tests.emulator.model import RESOURCE, VISUAL_STUDIO, App, guid

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

ORG = "https://dev.azure.com/contoso"
APP = f"{ORG}/app/_git/app"
REFS = f"{APP}/info/refs?service=git-upload-pack"
PATS = "https://vssps.dev.azure.com/fabrikam/_apis/tokens/pats?api-version=7.1-preview.1"
PROFILE = "https://app.vssps.visualstudio.com/_apis/profile/profiles/me?api-version=7.1"
CONNECTION = f"{ORG}/_apis/connectionData?api-version=7.1"
PROJECTS = f"{ORG}/_apis/projects"
OWN_APP = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"

PROVOKE: dict[str, Callable[[Client], httpx.Response]] = {}


def provokes(name: str) -> Callable[[Callable[[Client], httpx.Response]], Callable[[Client], httpx.Response]]:
    """Register the function that provokes the example ``name``."""

    def register(function: Callable[[Client], httpx.Response]) -> Callable[[Client], httpx.Response]:
        PROVOKE[name] = function
        return function

    return register


def entra(client: Client, person: str = ANN, tenant: str = CONTOSO) -> dict[str, str]:
    """Give the Bearer header of a fresh Entra token."""
    return bearer(client.emulator.world.new_access_token(person, tenant))


def pat(client: Client, scopes: str = "vso.code_write") -> dict[str, str]:
    """Give the Basic header of a PAT for contoso."""
    return basic(client.emulator.world.new_pat(ANN, ["contoso"], scopes))


def new_pat(client: Client, **changes: Any) -> httpx.Response:
    """Create a PAT by the lifecycle API."""
    end = f"{client.emulator.world.now().year + 1}-01-01T23:46:23.319Z"
    body = {"displayName": "new_token", "scope": "app_token", "validTo": end, "allOrgs": False, **changes}
    return client.http.post(PATS, json=body, headers=entra(client, BOB, FABRIKAM))


def own_app(client: Client, **changes: Any) -> App:
    """Register an app of contoso's own."""
    return client.emulator.world.add_app(App(OWN_APP, "Own app", tenant=CONTOSO, **changes))


@provokes("pat_create")
def _(client: Client) -> httpx.Response:
    return new_pat(client)


@provokes("pat_list")
def _(client: Client) -> httpx.Response:
    new_pat(client, allOrgs=True)
    new_pat(client)
    return client.get(PATS, entra(client, BOB, FABRIKAM))


@provokes("pat_get")
def _(client: Client) -> httpx.Response:
    one = new_pat(client).json()["patToken"]["authorizationId"]
    return client.get(f"{PATS}&authorizationId={one}", entra(client, BOB, FABRIKAM))


@provokes("pat_update")
def _(client: Client) -> httpx.Response:
    one = new_pat(client).json()["patToken"]
    body = {**one, "displayName": "updated_token", "allOrgs": True}
    return client.http.put(PATS, json=body, headers=entra(client, BOB, FABRIKAM))


@provokes("pat_revoke")
def _(client: Client) -> httpx.Response:
    one = new_pat(client).json()["patToken"]["authorizationId"]
    return client.http.delete(f"{PATS}&authorizationId={one}", headers=entra(client, BOB, FABRIKAM))


@provokes("pat_create_policy_error")
def _(client: Client) -> httpx.Response:
    client.emulator.world.organizations["fabrikam"].policies.pat_error = "disablePatCreationPolicyViolation"
    return new_pat(client)


@provokes("pat_api_wrong_caller")
def _(client: Client) -> httpx.Response:
    return client.get(PATS, basic(client.emulator.world.new_pat(BOB, ["fabrikam"], "app_token")))


@provokes("location_service")
def _(client: Client) -> httpx.Response:
    area = "951917AC-A960-4999-8464-E3F0AA25B381"
    return client.get(
        f"{ORG}/_apis/ServiceDefinitions/LocationService2/{area}?api-version=1.0", entra(client)
    )


def session_token(client: Client) -> httpx.Response:
    """Ask for a session token, as Git Credential Manager does."""
    location = PROVOKE["location_service"](client).json()["location"]
    body = {"scope": "vso.code_write vso.packaging", "displayName": "Git"}
    url = f"{location}_apis/token/sessiontokens?api-version=1.0&tokentype=compact"
    return client.http.post(url, json=body, headers=entra(client))


PROVOKE["session_token_create"] = session_token


@provokes("session_token_refused")
def _(client: Client) -> httpx.Response:
    client.emulator.world.organizations["contoso"].policies.pat_error = "disablePatCreationPolicyViolation"
    return session_token(client)


@provokes("connection_data")
def _(client: Client) -> httpx.Response:
    return client.get(f"{CONNECTION}-preview.1", pat(client), suppress=True)


@provokes("connection_data_anonymous")
def _(client: Client) -> httpx.Response:
    return client.get(f"{CONNECTION}-preview.1".replace("contoso", "contoso-open"), basic("bogus"))


@provokes("connection_data_wrong_version")
def _(client: Client) -> httpx.Response:
    return client.get(CONNECTION, pat(client))


@provokes("profile_me")
def _(client: Client) -> httpx.Response:
    return client.get(PROFILE, entra(client))


@provokes("profile_me_org_scoped_pat")
def _(client: Client) -> httpx.Response:
    return client.get(PROFILE, pat(client))


@provokes("accounts")
def _(client: Client) -> httpx.Response:
    member = PROVOKE["profile_me"](client).json()["id"]
    url = f"https://app.vssps.visualstudio.com/_apis/accounts?memberId={member}&api-version=7.1"
    return client.get(url, entra(client))


@provokes("git_repository")
def _(client: Client) -> httpx.Response:
    one = guid("repository", "contoso", "app", "app")
    return client.get(f"{ORG}/_apis/git/repositories/{one}?api-version=7.1", pat(client))


@provokes("vsts_info")
def _(client: Client) -> httpx.Response:
    return client.get(f"{APP}/vsts/info", pat(client))


@provokes("entra_authorize")
def _(client: Client) -> httpx.Response:
    return client.http.post(
        client.authorize_url(prompt="select_account", login_hint=ANN), data={"person": ANN}
    )


@provokes("entra_authorize_denied")
def _(client: Client) -> httpx.Response:
    return client.http.post(client.authorize_url(), data={"decline": "yes"})


@provokes("entra_token_code")
def _(client: Client) -> httpx.Response:
    return client.redeem(client.sign_in()["code"])


@provokes("entra_token_refresh")
def _(client: Client) -> httpx.Response:
    return client.refresh(client.tokens()["refresh_token"])


@provokes("entra_error_54005")
def _(client: Client) -> httpx.Response:
    code = client.sign_in()["code"]
    client.redeem(code)
    return client.redeem(code)


@provokes("entra_error_70008")
def _(client: Client) -> httpx.Response:
    code = client.sign_in()["code"]
    client.emulator.world.advance(601)
    return client.redeem(code)


@provokes("entra_error_700082")
def _(client: Client) -> httpx.Response:
    token = client.tokens()["refresh_token"]
    client.emulator.world.advance(91 * 86400)
    return client.refresh(token)


@provokes("entra_error_50173")
def _(client: Client) -> httpx.Response:
    token = client.tokens()["refresh_token"]
    client.emulator.world.grants.revoke_sign_ins(ANN)
    return client.refresh(token)


def by_policy(code: int) -> Callable[[Client], httpx.Response]:
    """Refresh while the tenant's policy answers ``code``."""

    def provoke(client: Client) -> httpx.Response:
        token = client.tokens()["refresh_token"]
        client.emulator.world.tenants[CONTOSO].token_error = code
        return client.refresh(token)

    return provoke


for _code in (50076, 50079, 53003):
    PROVOKE[f"entra_error_{_code}"] = by_policy(_code)


@provokes("entra_error_65001")
def _(client: Client) -> httpx.Response:
    own_app(client)
    token = client.tokens(tenant=CONTOSO, client_id=OWN_APP)["refresh_token"]
    client.emulator.world.consents.clear()
    return client.refresh(token, CONTOSO, client_id=OWN_APP)


@provokes("entra_error_500011")
def _(client: Client) -> httpx.Response:
    token = client.tokens()["refresh_token"]
    client.emulator.world.tenants[CONTOSO].has_azure_devops = False
    return client.refresh(token)


@provokes("entra_error_50020")
def _(client: Client) -> httpx.Response:
    return client.refresh(client.tokens(KIM)["refresh_token"], CONTOSO)


@provokes("entra_error_90072")
def _(client: Client) -> httpx.Response:
    return client.refresh(client.tokens(BOB)["refresh_token"], CONTOSO)


@provokes("entra_error_9002332")
def _(client: Client) -> httpx.Response:
    return client.refresh(client.tokens(KIM)["refresh_token"], "consumers")


@provokes("entra_error_700016")
def _(client: Client) -> httpx.Response:
    return client.refresh("any", client_id="00000000-1111-2222-3333-444444444444")


@provokes("entra_error_501481")
def _(client: Client) -> httpx.Response:
    return client.redeem(client.sign_in()["code"], code_verifier=VERIFIER + "x")


@provokes("entra_error_70011")
def _(client: Client) -> httpx.Response:
    return client.refresh(client.tokens()["refresh_token"], scope="nonsense")


@provokes("entra_error_7000218")
def _(client: Client) -> httpx.Response:
    own_app(client, public=False, secrets={"s"})
    form = {"client_id": OWN_APP, "grant_type": "client_credentials", "scope": f"{RESOURCE}/.default"}
    return client.token(CONTOSO, **form)


@provokes("entra_device_code")
def device(client: Client) -> httpx.Response:
    """Ask for a device code."""
    form = {"client_id": VISUAL_STUDIO, "scope": f"{RESOURCE}/.default offline_access"}
    return client.http.post(f"{LOGIN}/organizations/oauth2/v2.0/devicecode", data=form)


def poll(client: Client, code: str) -> httpx.Response:
    """Ask whether a device may go on."""
    return client.token("organizations", grant_type=DEVICE_GRANT, device_code=code)


@provokes("entra_device_authorization_pending")
def _(client: Client) -> httpx.Response:
    return poll(client, device(client).json()["device_code"])


@provokes("entra_device_expired_token")
def _(client: Client) -> httpx.Response:
    code = device(client).json()["device_code"]
    client.emulator.world.advance(901)
    return poll(client, code)


@provokes("entra_device_bad_verification_code")
def _(client: Client) -> httpx.Response:
    return poll(client, "nobody's")


@provokes("entra_device_authorization_declined")
def _(client: Client) -> httpx.Response:
    answer = device(client).json()
    client.emulator.enter_device_code(answer["user_code"], None)
    return poll(client, answer["device_code"])


@provokes("entra_device_slow_down")
def _(client: Client) -> httpx.Response:
    code = device(client).json()["device_code"]
    client.emulator.world.fail_next("token", "slow_down")
    return poll(client, code)


@provokes("entra_client_credentials")
def _(client: Client) -> httpx.Response:
    own_app(client, public=False, federated={("https://issuer.example.com", "repo")})
    claims = {
        "iss": "https://issuer.example.com",
        "sub": "repo",
        "exp": client.emulator.world.now().timestamp() + 60,
    }
    return client.token(
        CONTOSO,
        client_id=OWN_APP,
        scope=f"{RESOURCE}/.default",
        grant_type="client_credentials",
        client_assertion_type=ASSERTION,
        client_assertion=tokens.id_token(claims),
    )


def machine(client: Client, name: str = "app-vm") -> str:
    """Give the machine an identity; return where it asks for a token."""
    client.emulator.world.machine.own = metadata.new_identity(client.emulator.world, name, CONTOSO)
    query = f"api-version=2018-02-01&resource={RESOURCE}"
    return f"http://{metadata.VM_HOST}/metadata/identity/oauth2/token?{query}"


@provokes("imds_token")
def _(client: Client) -> httpx.Response:
    return client.get(machine(client), {"Metadata": "true"})


@provokes("imds_missing_identity")
def _(client: Client) -> httpx.Response:
    return client.get(f"{machine(client)}&client_id={OWN_APP}", {"Metadata": "true"})


@provokes("github_oidc")
def _(client: Client) -> httpx.Response:
    return client.get(
        f"https://{metadata.GITHUB_HOST}/oidc/github?api-version=2.0&audience=api://AzureADTokenExchange",
        bearer(client.emulator.world.machine.secret),
    )


@provokes("unauth_msa_org")
def _(client: Client) -> httpx.Response:
    return client.get("https://dev.azure.com/hobby/_apis/projects", suppress=True)


@provokes("unauth_entra_org_git")
def _(client: Client) -> httpx.Response:
    return client.get(REFS)


@provokes("git_bad_credential")
def _(client: Client) -> httpx.Response:
    return client.get(REFS, basic("bogus"))


@provokes("rest_signin_redirect")
def _(client: Client) -> httpx.Response:
    return client.get(PROJECTS)


@provokes("rest_signin_page_203")
def _(client: Client) -> httpx.Response:
    return client.get(PROJECTS, basic("bogus"))


@provokes("rest_pat_expired_or_revoked_or_unscoped")
def _(client: Client) -> httpx.Response:
    return client.get(PROJECTS, pat(client, "vso.work"))


@provokes("rest_entra_bearer_refused")
def _(client: Client) -> httpx.Response:
    return client.get(PROJECTS, entra(client, BOB, FABRIKAM))


@provokes("rest_unauthorized_request")
def _(client: Client) -> httpx.Response:
    return client.get(PROJECTS, suppress=True)


@provokes("rest_conditional_access")
def _(client: Client) -> httpx.Response:
    client.emulator.world.organizations["contoso"].policies.conditional_access = True
    return client.get(PROJECTS, entra(client))


@provokes("rest_not_materialized")
def _(client: Client) -> httpx.Response:
    client.emulator.world.organizations["contoso"].unmaterialized.add(ANN)
    return client.get(PROJECTS, entra(client))


@provokes("rest_repo_not_found")
def _(client: Client) -> httpx.Response:
    return client.get(f"{ORG}/_apis/git/repositories/nothing?api-version=7.1", pat(client))
