"""The next token of a workload identity: service principal, managed identity, federation, Azure CLI.

One way in for ``setup`` and for every renewal. It asks no person, and an identity that is half configured is an error
that names what is missing: never another identity, never a browser. An app registration's secret comes out of the vault,
its certificate out of a file, each time anew. Rules: RFC 6749 section 4.4, RFC 7523, Microsoft's "Microsoft identity
platform application authentication certificate credentials".
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import AZURE_CLI, FEDERATED, MANAGED_IDENTITY
from git_credential_azdo.errors import SignInError, UsageError
from git_credential_azdo.git.address import quoted
from git_credential_azdo.git.target import is_tenant, may_repeat
from git_credential_azdo.signin import azure_cli, endpoints, entra, federation, managed_identity
from git_credential_azdo.signin.endpoints import discover, kept_endpoint
from git_credential_azdo.signin.oauth import OAuthError
from git_credential_azdo.signin.sign_in_errors import app_error, setup_command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from git_credential_azdo.accounts.account import Block
    from git_credential_azdo.git.protocol import Pair
    from git_credential_azdo.signin.oauth import Grant
    from git_credential_azdo.web import HttpClient

DEFAULT_SCOPE = f"{entra.RESOURCE}/.default"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS = 600


def request_token(
    block: Block,
    tenant: str,
    web: HttpClient,
    read_secret: Callable[[], str | None],
    environment: Mapping[str, str],
) -> Grant:
    """Return a token; the grant never holds a refresh token.

    Args:
        block: the account's block. Its keys beside those of every account: ``client_id``, ``token_endpoint``,
            ``authority``, ``scope``; ``certificate`` (its path), ``send_x5c``, ``passphrase`` (service principal);
            ``identity``, ``source`` (managed identity: which one, and whose service answers); ``source``,
            ``token_file``, ``audience``, ``service_connection`` (federation; with a managed identity ``identity`` and
            ``machine``); ``az_tenant`` (Azure CLI: the tenant that a person named).
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
        return endpoints.request_token(web, endpoint, form)
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


def proof(block: Block, read_secret: Callable[[], str | None]) -> dict[str, str]:
    """Return the fields of the token request that prove who asks.

    Args:
        block: the account's block.
        read_secret: returns the client secret, or the passphrase of the certificate's key, from the vault.

    Raise SignInError for a secret or a certificate that is gone, UsageError without the package ``cryptography``.

    """
    path = block.get("certificate")
    if path:
        passphrase = read_secret() if block.get("passphrase") else None
        return by_assertion(_signed(block, path, passphrase))
    secret = read_secret()
    if not secret:
        raise SignInError(
            f"the client secret of {block.get('client_id')} is no longer in the vault", setup_command(block)
        )
    return {"client_secret": secret}


def by_assertion(assertion: str) -> dict[str, str]:
    """Return the fields that carry an assertion: our own, or another identity provider's."""
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def _signed(block: Block, path: str, passphrase: str | None) -> str:
    try:
        # Lazy: an optional extra, and slow to load where nothing is signed.
        from git_credential_azdo.signin import certificate  # noqa: PLC0415
    except ImportError:
        raise UsageError(
            "to sign with a certificate, the package cryptography is needed",
            f"{hints.inject('cryptography')} (or: {hints.install_extra('certificate')})",
        ) from None
    now = int(time.time())
    claims = {
        "aud": block.get("token_endpoint"),
        "iss": block.get("client_id"),
        "sub": block.get("client_id"),
        "nbf": now,
        "iat": now,
        "exp": now + _ASSERTION_SECONDS,
    }
    return certificate.sign(
        certificate.load(path, passphrase), claims, send_chain=block.get("send_x5c") == "1"
    )


def registration(
    http: HttpClient,
    client_id: str,
    *,
    tenant: str,
    authority: str,
    login_host: str | None,
    environment: Mapping[str, str],
) -> list[Pair]:
    """Return what every app registration has: who it is, and where it asks. Asks the authority for its endpoints.

    ``login_host``: where the organizations' own cloud signs in; Microsoft's public one for None.
    Raise UsageError, ServiceError, NetworkError.
    """
    if not client_id or not may_repeat(client_id) or any(each in client_id for each in " :/"):
        raise UsageError(
            f"{quoted(client_id)} is not a valid client id", "give the application (client) id of the app"
        )
    if not authority:
        if not tenant:
            raise UsageError("missing --tenant", "add --tenant TENANT (its id or a domain of it)")
        if tenant.lower() in entra.ANY_TENANT:
            raise UsageError(f"{tenant} is not a tenant of its own", "give the tenant's id or a domain of it")
        authority = entra.authority(tenant, login_host or entra.PUBLIC_HOST)
        address = environment.get("AZURE_AUTHORITY_HOST")
        authority = f"{address.rstrip('/')}/{tenant}" if address else authority
    found = discover(http, authority)
    named = found.issuer.partition("://")[2].split("/")[1:2] if entra.is_entra(found.token) else []
    return [
        ("name", client_id),
        ("client_id", client_id),
        ("tenant", named[0].lower() if named and is_tenant(named[0]) else ""),
        ("authority", authority),
        ("token_endpoint", found.token),
    ]
