"""The next token of a workload identity: service principal, managed identity, federation, Azure CLI.

One way in for ``setup`` and for every renewal. It asks no person, and an identity that is half configured is an error
that names what is missing: never another identity, never a browser. Rules: RFC 6749 section 4.4, RFC 7523.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import AZURE_CLI, FEDERATED, MANAGED_IDENTITY
from git_credential_azdo.accounts.workload import setup_command
from git_credential_azdo.errors import SignInError
from git_credential_azdo.signin import azure_cli, entra, exchange, federation, managed_identity
from git_credential_azdo.signin.endpoints import kept_endpoint
from git_credential_azdo.signin.oauth import OAuthError
from git_credential_azdo.signin.service_principal import by_assertion, proof
from git_credential_azdo.signin.sign_in_errors import app_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from git_credential_azdo.accounts.account import Block
    from git_credential_azdo.signin.oauth import Grant
    from git_credential_azdo.web import HttpClient

DEFAULT_SCOPE = f"{entra.RESOURCE}/.default"


def request_token(
    block: Block,
    tenant: str,
    web: HttpClient,
    read_secret: Callable[[], str | None],
    environment: Mapping[str, str],
) -> Grant:
    """Return a token; the grant never holds a refresh token.

    Args:
        block: the account's block (keys: ``accounts.workload``).
        tenant: whose token is wanted; empty when the account knows no tenants.
        web: for requests that may go through a proxy; its deadline bounds everything.
        read_secret: returns the secret under ``client-secret``.
        environment: the process's.

    Raise SignInError, UsageError, NetworkError, ServiceError, VaultError.

    """
    kind = block.get("kind")
    resource = (block.get("scope") or DEFAULT_SCOPE).removesuffix("/.default")
    if kind == AZURE_CLI:
        return _from_azure_cli(block, tenant, resource, web.remaining(), environment)
    own = block.get("tenant").lower()
    if tenant and own and tenant.lower() != own:
        raise SignInError(
            f"{block.get('name')} is an identity of tenant {own}; the organization belongs to tenant {tenant}, and "
            "accepts workload identities of its own tenant only",
            f"choose another account: {hints.use(hints.ACCOUNT, hints.ORGANIZATION)}",
        )
    if kind == MANAGED_IDENTITY:
        return managed_identity.ask_directly(
            block.get("identity"), block.get("source"), resource, environment, web.remaining()
        )
    endpoint = kept_endpoint(block, None, setup_command(block))
    if kind == FEDERATED:
        proven = by_assertion(federation.assertion(web, block, environment))
    else:
        proven = proof(block, read_secret)
    form = {
        "grant_type": "client_credentials",
        "client_id": block.get("client_id"),
        "scope": block.get("scope") or DEFAULT_SCOPE,
        **proven,
    }
    try:
        return exchange.request_token(web, endpoint, form)
    except OAuthError as refused:
        raise app_error(refused, block) from None


def _from_azure_cli(
    block: Block, tenant: str, resource: str, seconds: float, environment: Mapping[str, str]
) -> Grant:
    """Name the tenant only where ``az`` would take another: some of its sign-ins refuse one that is named."""
    wanted = tenant if tenant != block.get("tenant").lower() else block.get("az_tenant")
    token = azure_cli.ask(resource, wanted, seconds, environment)
    if tenant and not wanted and token.tenant not in {"", tenant}:
        token = azure_cli.ask(resource, tenant, seconds, environment)
    return token.grant
