"""The token of another identity provider that Entra takes for an app's own: from a file, GitHub or Azure Pipelines.

Got anew for every request; never stored and never printed. Rules: Microsoft's "Workload identity federation", AKS's
variables (azure-workload-identity), GitHub's "OpenID Connect" page, Azure DevOps' "Oidctoken - Create".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import MANAGED_IDENTITY, Block
from git_credential_azdo.accounts.environment import PIPELINE_TOKEN, token_in
from git_credential_azdo.errors import ServiceError, SignInError, UsageError
from git_credential_azdo.signin import managed_identity, oauth
from git_credential_azdo.signin.authorities import ask
from git_credential_azdo.web import HttpClient

AUDIENCE = "api://AzureADTokenExchange"
FILE, GITHUB, PIPELINES = "file", "github", "azure-pipelines"
SOURCES = (FILE, GITHUB, PIPELINES, MANAGED_IDENTITY)
"""What gives the token of a federated credential."""
_MAX_BYTES = 64 * 1024


class _Issuer(NamedTuple):
    """What issues a job's own token: the variables with its address and the secret for it, and where its answer has it.

    ``no_address``, ``no_secret``, ``refused``: what to do without each, and after a no.
    """

    name: str
    address: str
    secret: str
    key: str
    no_address: str
    no_secret: str
    refused: str


_IN_JOB = "give the job the permission id-token: write, and run git inside the job"
_ISSUERS = {
    GITHUB: _Issuer(
        "GitHub",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "value",
        _IN_JOB,
        _IN_JOB,
        "check the job's permission id-token: write",
    ),
    PIPELINES: _Issuer(
        "Azure Pipelines",
        "SYSTEM_OIDCREQUESTURI",
        PIPELINE_TOKEN,
        "oidcToken",
        "run git inside a job of Azure Pipelines: its agent sets this variable",
        hints.token_variable("Azure Pipelines", PIPELINE_TOKEN),
        "check the service connection's id and that the job may use it",
    ),
}


def assertion(web: HttpClient, block: Block, environment: Mapping[str, str]) -> str:
    """Return the token that the account's ``source`` gives right now.

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
    if source not in _ISSUERS:
        raise UsageError(
            f"no federated token comes from {source!r}", f"setup federated takes one of {', '.join(SOURCES)}"
        )
    return _issued(web, block, _ISSUERS[source], audience, environment)


def _issued(
    web: HttpClient, block: Block, issuer: _Issuer, audience: str, environment: Mapping[str, str]
) -> str:
    url, secret = environment.get(issuer.address, ""), token_in(issuer.secret, environment)
    for name, cure in ((issuer.address, issuer.no_address), (issuer.secret, issuer.no_secret)):
        if not environment.get(name):
            raise UsageError(f"{name} is not set, so the job cannot prove itself", cure)
    if not oauth.safe_origin(url):
        raise UsageError(f"{issuer.address} is not an https address", issuer.no_address)
    if not secret:
        raise UsageError(f"{issuer.secret} does not hold a token", issuer.no_secret)
    headers = {"Authorization": f"Bearer {secret}"}
    method, parameters = "GET", {"audience": audience}
    if issuer is _ISSUERS[PIPELINES]:
        connection = block.get("service_connection")
        if not connection:
            needs = ["--service-connection", "ID"]
            raise UsageError("missing --service-connection", hints.setup_federated(PIPELINES, needs=needs))
        method, parameters = "POST", {"api-version": "7.1", "serviceConnectionId": connection}
        headers["X-TFS-FedAuthRedirect"] = "Suppress"
    answer = ask(web, method, oauth.with_query(url, **parameters), headers=headers)
    if answer.status != 200:  # noqa: PLR2004 - the only yes
        message = f"{issuer.name} did not issue an OIDC token{oauth.said(answer)} (status {answer.status})"
        raise SignInError(message, issuer.refused)
    body = answer.json()
    token = oauth.read_token(body.get(issuer.key) if isinstance(body, dict) else None)
    if not token:
        raise ServiceError(f"the answer of {issuer.name} holds no token")
    return token


def from_file(path: str) -> str:
    """Return the token that another program keeps fresh in a file. Raise UsageError, SignInError."""
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
        invalid="it must hold one token and nothing else",
    )
