"""How each example of ``examples.json`` is provoked: Azure DevOps' half.

Compares nothing; that is the test's. Every function brings the world into the state that the answer needs, and
gives the answer to one last request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.emulator.client import APP, ORG, PROJECTS, Client, basic, bearer
from tests.emulator.default_world import ANN, BOB, CONTOSO, FABRIKAM
from tests.emulator.model import guid
from tests.emulator.provoke import Provocations

if TYPE_CHECKING:
    import httpx

REFS = f"{APP}/info/refs?service=git-upload-pack"
PATS = "https://vssps.dev.azure.com/fabrikam/_apis/tokens/pats?api-version=7.1-preview.1"
PROFILE = "https://app.vssps.visualstudio.com/_apis/profile/profiles/me?api-version=7.1"
CONNECTION = f"{ORG}/_apis/connectionData?api-version=7.1"

PROVOKE = Provocations()


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


@PROVOKE("pat_create")
def _(client: Client) -> httpx.Response:
    return new_pat(client)


@PROVOKE("pat_list")
def _(client: Client) -> httpx.Response:
    new_pat(client, allOrgs=True)
    new_pat(client)
    return client.get(PATS, entra(client, BOB, FABRIKAM))


@PROVOKE("pat_get")
def _(client: Client) -> httpx.Response:
    one = new_pat(client).json()["patToken"]["authorizationId"]
    return client.get(f"{PATS}&authorizationId={one}", entra(client, BOB, FABRIKAM))


@PROVOKE("pat_update")
def _(client: Client) -> httpx.Response:
    one = new_pat(client).json()["patToken"]
    body = {**one, "displayName": "updated_token", "allOrgs": True}
    return client.http.put(PATS, json=body, headers=entra(client, BOB, FABRIKAM))


@PROVOKE("pat_revoke")
def _(client: Client) -> httpx.Response:
    one = new_pat(client).json()["patToken"]["authorizationId"]
    return client.http.delete(f"{PATS}&authorizationId={one}", headers=entra(client, BOB, FABRIKAM))


@PROVOKE("pat_create_policy_error")
def _(client: Client) -> httpx.Response:
    client.emulator.world.organizations["fabrikam"].policies.pat_error = "disablePatCreationPolicyViolation"
    return new_pat(client)


@PROVOKE("pat_api_wrong_caller")
def _(client: Client) -> httpx.Response:
    return client.get(PATS, basic(client.emulator.world.new_pat(BOB, ["fabrikam"], "app_token")))


@PROVOKE("location_service")
def _(client: Client) -> httpx.Response:
    area = "951917AC-A960-4999-8464-E3F0AA25B381"
    return client.get(
        f"{ORG}/_apis/ServiceDefinitions/LocationService2/{area}?api-version=1.0", entra(client)
    )


@PROVOKE("session_token_create")
def session_token(client: Client) -> httpx.Response:
    """Ask for a session token, as Git Credential Manager does."""
    location = PROVOKE["location_service"](client).json()["location"]
    body = {"scope": "vso.code_write vso.packaging", "displayName": "Git"}
    url = f"{location}_apis/token/sessiontokens?api-version=1.0&tokentype=compact"
    return client.http.post(url, json=body, headers=entra(client))


@PROVOKE("session_token_refused")
def _(client: Client) -> httpx.Response:
    client.emulator.world.organizations["contoso"].policies.pat_error = "disablePatCreationPolicyViolation"
    return session_token(client)


@PROVOKE("connection_data")
def _(client: Client) -> httpx.Response:
    return client.get(f"{CONNECTION}-preview.1", pat(client), suppress=True)


@PROVOKE("connection_data_anonymous")
def _(client: Client) -> httpx.Response:
    return client.get(f"{CONNECTION}-preview.1".replace("contoso", "contoso-open"), basic("bogus"))


@PROVOKE("connection_data_wrong_version")
def _(client: Client) -> httpx.Response:
    return client.get(CONNECTION, pat(client))


@PROVOKE("profile_me")
def _(client: Client) -> httpx.Response:
    return client.get(PROFILE, entra(client))


@PROVOKE("profile_me_org_scoped_pat")
def _(client: Client) -> httpx.Response:
    return client.get(PROFILE, pat(client))


@PROVOKE("accounts")
def _(client: Client) -> httpx.Response:
    member = PROVOKE["profile_me"](client).json()["id"]
    url = f"https://app.vssps.visualstudio.com/_apis/accounts?memberId={member}&api-version=7.1"
    return client.get(url, entra(client))


@PROVOKE("git_repository")
def _(client: Client) -> httpx.Response:
    one = guid("repository", "contoso", "app", "app")
    return client.get(f"{ORG}/_apis/git/repositories/{one}?api-version=7.1", pat(client))


@PROVOKE("vsts_info")
def _(client: Client) -> httpx.Response:
    return client.get(f"{APP}/vsts/info", pat(client))


@PROVOKE("unauth_msa_org")
def _(client: Client) -> httpx.Response:
    return client.get("https://dev.azure.com/hobby/_apis/projects", suppress=True)


@PROVOKE("unauth_entra_org_git")
def _(client: Client) -> httpx.Response:
    return client.get(REFS)


@PROVOKE("git_bad_credential")
def _(client: Client) -> httpx.Response:
    return client.get(REFS, basic("bogus"))


@PROVOKE("rest_signin_redirect")
def _(client: Client) -> httpx.Response:
    return client.get(PROJECTS)


@PROVOKE("rest_signin_page_203")
def _(client: Client) -> httpx.Response:
    return client.get(PROJECTS, basic("bogus"))


@PROVOKE("rest_pat_expired_or_revoked_or_unscoped")
def _(client: Client) -> httpx.Response:
    return client.get(PROJECTS, pat(client, "vso.work"))


@PROVOKE("rest_entra_bearer_refused")
def _(client: Client) -> httpx.Response:
    return client.get(PROJECTS, entra(client, BOB, FABRIKAM))


@PROVOKE("rest_unauthorized_request")
def _(client: Client) -> httpx.Response:
    return client.get(PROJECTS, suppress=True)


@PROVOKE("rest_conditional_access")
def _(client: Client) -> httpx.Response:
    client.emulator.world.organizations["contoso"].policies.conditional_access = True
    return client.get(PROJECTS, entra(client))


@PROVOKE("rest_not_materialized")
def _(client: Client) -> httpx.Response:
    client.emulator.world.organizations["contoso"].unmaterialized.add(ANN)
    return client.get(PROJECTS, entra(client))


@PROVOKE("rest_repo_not_found")
def _(client: Client) -> httpx.Response:
    return client.get(f"{ORG}/_apis/git/repositories/nothing?api-version=7.1", pat(client))
