"""How each example of ``examples.json`` is provoked: Entra's half, and the services that know a machine or a job.

Compares nothing; that is the test's. Every function brings the world into the state that the answer needs, and
gives the answer to one last request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.emulator import metadata, tokens
from tests.emulator.client import LOGIN, OWN_APP, VERIFIER, Client, bearer
from tests.emulator.default_world import ANN, BOB, CONTOSO, KIM
from tests.emulator.entra_token import ASSERTION, DEVICE_GRANT
from tests.emulator.model import RESOURCE, VISUAL_STUDIO, App
from tests.emulator.provoke import Provocations

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

PROVOKE = Provocations()


def own_app(client: Client, **changes: Any) -> App:
    """Register an app of contoso's own."""
    return client.emulator.world.add_app(App(OWN_APP, "Own app", tenant=CONTOSO, **changes))


@PROVOKE("entra_authorize")
def _(client: Client) -> httpx.Response:
    return client.http.post(
        client.authorize_url(prompt="select_account", login_hint=ANN), data={"person": ANN}
    )


@PROVOKE("entra_authorize_denied")
def _(client: Client) -> httpx.Response:
    return client.http.post(client.authorize_url(), data={"decline": "yes"})


@PROVOKE("entra_token_code")
def _(client: Client) -> httpx.Response:
    return client.redeem(client.sign_in()["code"])


@PROVOKE("entra_token_refresh")
def _(client: Client) -> httpx.Response:
    return client.refresh(client.tokens()["refresh_token"])


@PROVOKE("entra_error_54005")
def _(client: Client) -> httpx.Response:
    code = client.sign_in()["code"]
    client.redeem(code)
    return client.redeem(code)


@PROVOKE("entra_error_70008")
def _(client: Client) -> httpx.Response:
    code = client.sign_in()["code"]
    client.emulator.world.advance(601)
    return client.redeem(code)


@PROVOKE("entra_error_700082")
def _(client: Client) -> httpx.Response:
    token = client.tokens()["refresh_token"]
    client.emulator.world.advance(91 * 86400)
    return client.refresh(token)


@PROVOKE("entra_error_50173")
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


@PROVOKE("entra_error_65001")
def _(client: Client) -> httpx.Response:
    own_app(client)
    token = client.tokens(tenant=CONTOSO, client_id=OWN_APP)["refresh_token"]
    client.emulator.world.consents.clear()
    return client.refresh(token, CONTOSO, client_id=OWN_APP)


@PROVOKE("entra_error_500011")
def _(client: Client) -> httpx.Response:
    token = client.tokens()["refresh_token"]
    client.emulator.world.tenants[CONTOSO].has_azure_devops = False
    return client.refresh(token)


@PROVOKE("entra_error_50020")
def _(client: Client) -> httpx.Response:
    return client.refresh(client.tokens(KIM)["refresh_token"], CONTOSO)


@PROVOKE("entra_error_90072")
def _(client: Client) -> httpx.Response:
    return client.refresh(client.tokens(BOB)["refresh_token"], CONTOSO)


@PROVOKE("entra_error_9002332")
def _(client: Client) -> httpx.Response:
    return client.refresh(client.tokens(KIM)["refresh_token"], "consumers")


@PROVOKE("entra_error_700016")
def _(client: Client) -> httpx.Response:
    return client.refresh("any", client_id="00000000-1111-2222-3333-444444444444")


@PROVOKE("entra_error_501481")
def _(client: Client) -> httpx.Response:
    return client.redeem(client.sign_in()["code"], code_verifier=VERIFIER + "x")


@PROVOKE("entra_error_70011")
def _(client: Client) -> httpx.Response:
    return client.refresh(client.tokens()["refresh_token"], scope="nonsense")


@PROVOKE("entra_error_7000218")
def _(client: Client) -> httpx.Response:
    own_app(client, public=False, secrets={"s"})
    form = {"client_id": OWN_APP, "grant_type": "client_credentials", "scope": f"{RESOURCE}/.default"}
    return client.token(CONTOSO, **form)


@PROVOKE("entra_device_code")
def device(client: Client) -> httpx.Response:
    """Ask for a device code."""
    form = {"client_id": VISUAL_STUDIO, "scope": f"{RESOURCE}/.default offline_access"}
    return client.http.post(f"{LOGIN}/organizations/oauth2/v2.0/devicecode", data=form)


def poll(client: Client, code: str) -> httpx.Response:
    """Ask whether a device may go on."""
    return client.token("organizations", grant_type=DEVICE_GRANT, device_code=code)


@PROVOKE("entra_device_authorization_pending")
def _(client: Client) -> httpx.Response:
    return poll(client, device(client).json()["device_code"])


@PROVOKE("entra_device_expired_token")
def _(client: Client) -> httpx.Response:
    code = device(client).json()["device_code"]
    client.emulator.world.advance(901)
    return poll(client, code)


@PROVOKE("entra_device_bad_verification_code")
def _(client: Client) -> httpx.Response:
    return poll(client, "nobody's")


@PROVOKE("entra_device_authorization_declined")
def _(client: Client) -> httpx.Response:
    answer = device(client).json()
    client.emulator.enter_device_code(answer["user_code"], None)
    return poll(client, answer["device_code"])


@PROVOKE("entra_device_slow_down")
def _(client: Client) -> httpx.Response:
    code = device(client).json()["device_code"]
    client.emulator.world.fail_next("token", "slow_down")
    return poll(client, code)


@PROVOKE("entra_client_credentials")
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


@PROVOKE("imds_token")
def _(client: Client) -> httpx.Response:
    return client.get(machine(client), {"Metadata": "true"})


@PROVOKE("imds_missing_identity")
def _(client: Client) -> httpx.Response:
    return client.get(f"{machine(client)}&client_id={OWN_APP}", {"Metadata": "true"})


@PROVOKE("github_oidc")
def _(client: Client) -> httpx.Response:
    return client.get(
        f"https://{metadata.GITHUB_HOST}/oidc/github?api-version=2.0&audience=api://AzureADTokenExchange",
        bearer(client.emulator.world.machine.secret),
    )
