"""The token of another identity provider that Entra accepts as an app's: from a file, GitHub or Azure Pipelines.

Requested again each time; must never be stored or printed. Rules: Microsoft's "Workload identity federation", AKS's
variables (azure-workload-identity), GitHub's "OpenID Connect" page, Azure DevOps' "Oidctoken - Create".
"""

from __future__ import annotations

from collections.abc import Mapping

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import MANAGED_IDENTITY, Block
from git_credential_azdo.accounts.environment import PIPELINE_TOKEN, token_in
from git_credential_azdo.errors import ServiceError, SignInError, UsageError
from git_credential_azdo.inherited import GITHUB_TOKEN
from git_credential_azdo.signin import managed_identity, oauth
from git_credential_azdo.signin.authorities import ask
from git_credential_azdo.web import HttpClient, Response

AUDIENCE = "api://AzureADTokenExchange"
FILE, GITHUB, PIPELINES = "file", "github", "azure-pipelines"
SOURCES = (FILE, GITHUB, PIPELINES, MANAGED_IDENTITY)
"""Where the token of a federated credential comes from."""
_MAX_BYTES = 64 * 1024


_IN_JOB = "give the job the permission id-token: write, and run git inside the job"
_IN_PIPELINE = "run git inside a job of Azure Pipelines: its agent sets this variable"


def assertion(web: HttpClient, block: Block, environment: Mapping[str, str]) -> str:
    """Return a new token from the account's ``source``.

    Raise UsageError naming the variable or the option that is missing, SignInError, NetworkError, ServiceError.
    """
    source, audience = block.get("source"), block.get("audience") or AUDIENCE
    if source == FILE:
        return from_file(block.get("token_file"))
    if source == MANAGED_IDENTITY:
        identity, service = block.get("identity"), block.get("machine")
        return managed_identity.ask_directly(
            identity, service, audience, environment, web.remaining()
        ).access_token
    if source == GITHUB:
        url, headers = _of_job(environment, "ACTIONS_ID_TOKEN_REQUEST_URL", _IN_JOB, GITHUB_TOKEN, _IN_JOB)
        answer = ask(web, "GET", oauth.with_query(url, audience=audience), headers=headers)
        return _token_in(answer, "value", "GitHub", "check the job's permission id-token: write")
    if source == PIPELINES:
        mapped = hints.token_variable("Azure Pipelines", PIPELINE_TOKEN)
        url, headers = _of_job(environment, "SYSTEM_OIDCREQUESTURI", _IN_PIPELINE, PIPELINE_TOKEN, mapped)
        connection = block.get("service_connection")
        if not connection:
            needs = ["--service-connection", "ID"]
            raise UsageError("missing --service-connection", hints.setup_federated(PIPELINES, needs=needs))
        url = oauth.with_query(url, **{"api-version": "7.1", "serviceConnectionId": connection})
        answer = ask(web, "POST", url, headers={**headers, "X-TFS-FedAuthRedirect": "Suppress"})
        cure = "check the service connection's id and that the job may use it"
        return _token_in(answer, "oidcToken", "Azure Pipelines", cure)
    raise UsageError(
        f"{source!r} is not a source of federated tokens",
        f"setup federated takes one of {', '.join(SOURCES)}",
    )


def _of_job(
    environment: Mapping[str, str], address: str, no_address: str, secret: str, no_secret: str
) -> tuple[str, dict[str, str]]:
    """Return the URL and the header for a job's request for its own token, from these variables, each with its hint."""
    for name, cure in ((address, no_address), (secret, no_secret)):
        if not environment.get(name):
            raise UsageError(f"{name} is not set, so the job cannot prove its identity", cure)
    if not oauth.safe_origin(environment[address]):
        raise UsageError(f"{address} is not an https address", no_address)
    token = token_in(secret, environment)
    if not token:
        raise UsageError(f"{secret} does not contain a token", no_secret)
    return environment[address], {"Authorization": f"Bearer {token}"}


def _token_in(answer: Response, key: str, issuer: str, cure: str) -> str:
    if answer.status != 200:  # noqa: PLR2004 - the only success
        message = f"{issuer} did not issue an OIDC token{oauth.error_text(answer)} (status {answer.status})"
        raise SignInError(message, cure)
    body = answer.json()
    token = oauth.read_token(body.get(key) if isinstance(body, dict) else None)
    if not token:
        raise ServiceError(f"the response from {issuer} contains no token")
    return token


def from_file(path: str) -> str:
    """Return the token that another program keeps up to date in a file. Raise UsageError, SignInError."""
    if not path:
        raise UsageError(
            "the file of the federated token is not known: AZURE_FEDERATED_TOKEN_FILE is not set",
            hints.setup_federated("file", needs=["--token-file", "FILE"]),
        )
    return managed_identity.read_proof(
        path,
        _MAX_BYTES,
        path,
        "federated token",
        unreadable="whatever writes that file must run: on AKS, the workload identity webhook and a labelled pod",
        invalid="it must contain one token and nothing else",
    )
