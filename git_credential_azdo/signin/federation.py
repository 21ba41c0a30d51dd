"""The token of another identity provider that Entra takes for an app's own: from a file, GitHub or Azure Pipelines.

Got anew for every request; never stored and never printed. Rules: Microsoft's "Workload identity federation", AKS's
variables (azure-workload-identity), GitHub's "OpenID Connect" page, Azure DevOps' "Oidctoken - Create".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from git_credential_azdo import hints
from git_credential_azdo.errors import NetworkError, ServiceError, SignInError, UsageError
from git_credential_azdo.files import read_file
from git_credential_azdo.signin import oauth
from git_credential_azdo.signin.managed_identity import ask_directly

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_credential_azdo.accounts.account import Block
    from git_credential_azdo.web import HttpClient, Response

FILE, GITHUB, PIPELINES, MANAGED_IDENTITY = "file", "github", "azure-pipelines", "managed-identity"
SOURCES = (FILE, GITHUB, PIPELINES, MANAGED_IDENTITY)
AUDIENCE = "api://AzureADTokenExchange"
_MAX_BYTES = 64 * 1024
_FORM = "it must hold one token and nothing else"
_TOKEN = re.compile(r"[\x21-\x7e]+")


def assertion(web: HttpClient, block: Block, environment: Mapping[str, str]) -> str:
    """Return the token that the account's ``source`` gives right now.

    Raise UsageError naming the variable or the option that is missing, SignInError, NetworkError, ServiceError.
    """
    source = block.get("source")
    audience = block.get("audience") or AUDIENCE
    if source == FILE:
        return from_file(block.get("token_file"))
    if source == GITHUB:
        return _from_github(web, audience, environment)
    if source == PIPELINES:
        return _from_pipelines(web, block.get("service_connection"), environment)
    if source == MANAGED_IDENTITY:
        return ask_directly(
            block.get("identity"), block.get("machine"), audience, environment, web.remaining()
        ).access_token
    raise UsageError(
        f"no federated token comes from {source!r}", f"setup federated takes one of {', '.join(SOURCES)}"
    )


def from_file(path: str) -> str:
    """Return the token that another program keeps fresh in a file. Raise UsageError, SignInError."""
    if not path:
        raise UsageError(
            "the file of the federated token is not known: AZURE_FEDERATED_TOKEN_FILE is not set",
            hints.setup_federated("file", needs=["--token-file", "FILE"]),
        )
    try:
        data = read_file(path, _MAX_BYTES)
    except (PermissionError, FileNotFoundError) as error:
        raise SignInError(
            f"the federated token in {path} cannot be read ({error.strerror or type(error).__name__})",
            "whatever writes that file must run: on AKS, the workload identity webhook and a labelled pod",
        ) from None
    except OSError as error:
        raise SignInError(f"{path} holds no federated token: {error.strerror}", _FORM) from None
    text = data.decode("ascii", "replace").strip()
    if not _TOKEN.fullmatch(text):
        raise SignInError(f"{path} holds no federated token", _FORM)
    return text


def _from_github(web: HttpClient, audience: str, environment: Mapping[str, str]) -> str:
    url, token = _both(
        environment,
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        *["give the job the permission id-token: write, and run git inside the job"] * 2,
    )
    url += f"{'&' if '?' in url else '?'}audience={quote(audience, safe='')}"
    answer = web.request("GET", url, headers={"Authorization": f"Bearer {token}"}, elsewhere=True)
    return _token(answer, "value", "GitHub", "check the job's permission id-token: write")


def _from_pipelines(web: HttpClient, connection: str, environment: Mapping[str, str]) -> str:
    url, token = _both(
        environment,
        "SYSTEM_OIDCREQUESTURI",
        "SYSTEM_ACCESSTOKEN",
        "run git inside a job of Azure Pipelines: its agent sets this variable",
        "map it in the step that runs git: env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)",
    )
    if not connection:
        raise UsageError(
            "missing --service-connection",
            hints.setup_federated(PIPELINES, needs=["--service-connection", "ID"]),
        )
    url += f"{'&' if '?' in url else '?'}api-version=7.1&serviceConnectionId={quote(connection, safe='')}"
    headers = {"Authorization": f"Bearer {token}", "X-TFS-FedAuthRedirect": "Suppress"}
    answer = web.request("POST", url, headers=headers, elsewhere=True)
    return _token(
        answer,
        "oidcToken",
        "Azure Pipelines",
        "check the service connection's id and that the job may use it",
    )


def _both(
    environment: Mapping[str, str], address: str, secret: str, cure: str, secret_cure: str
) -> tuple[str, str]:
    """Return an address and the secret that goes with it, from the environment. Raise UsageError."""
    for name, missing in ((address, cure), (secret, secret_cure)):
        if not environment.get(name):
            raise UsageError(f"{name} is not set, so the job cannot prove itself", missing)
    if not oauth.is_safe_url(environment[address]):
        raise UsageError(f"{address} is not an https address", cure)
    return environment[address], environment[secret]


def _token(answer: Response, key: str, who: str, cure: str) -> str:
    if answer.status != 200:  # noqa: PLR2004 - the only yes
        message = f"{who} did not issue an OIDC token{oauth.said(answer)} (status {answer.status})"
        if answer.status == 429 or answer.status >= 500:  # noqa: PLR2004 - too many requests, its own trouble
            raise NetworkError(message, "try again in a minute")
        raise SignInError(message, cure)
    body = answer.json()
    token = body.get(key) if isinstance(body, dict) else None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise ServiceError(f"the answer of {who} holds no token")
    return token
