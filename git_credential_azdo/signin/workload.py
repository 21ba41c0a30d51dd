"""The next token of a machine's identity: service principal, managed identity, federation, Azure CLI.

One way in for ``setup`` and for every renewal. It asks no person, and an identity that is half configured is an error
that names what is missing: never another identity, never a browser. Rules: RFC 6749 section 4.4, RFC 7523.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import AZURE_CLI, FEDERATED, MANAGED_IDENTITY
from git_credential_azdo.accounts.workload import setup_command
from git_credential_azdo.errors import AzdoError, NetworkError, SignInError
from git_credential_azdo.git.network import Settings
from git_credential_azdo.signin import azure_cli, entra, exchange, federation, managed_identity
from git_credential_azdo.signin.aadsts import Case
from git_credential_azdo.signin.endpoints import kept_endpoint
from git_credential_azdo.signin.oauth import TokenRefused
from git_credential_azdo.signin.service_principal import by_assertion, proof
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from git_credential_azdo.accounts.account import Block
    from git_credential_azdo.signin.oauth import Grant

DEFAULT_SCOPE = f"{entra.RESOURCE}/.default"


def request_token(
    block: Block,
    tenant: str,
    web: HttpClient,
    read_secret: Callable[[], str | None],
    environment: Mapping[str, str],
) -> Grant:
    """Ask for a token; the grant never holds a refresh token.

    Args:
        block: the account's block (keys: ``accounts.workload``).
        tenant: whose token is wanted; empty when the account knows no tenants.
        web: for requests that may go through a proxy; its deadline bounds everything.
        read_secret: gives what is kept under ``client-secret``.
        environment: the process's.

    Raises SignInError, UsageError, NetworkError, ServiceError, VaultError.

    """
    kind = block.get("kind")
    resource = (block.get("scope") or DEFAULT_SCOPE).removesuffix("/.default")
    if kind == AZURE_CLI:
        return _from_azure_cli(block, tenant, resource, web.remaining(), environment)
    own = block.get("tenant").lower()
    if tenant and own and tenant.lower() != own:
        raise SignInError(
            f"{block.get('name')} is an identity of tenant {own}; the organization belongs to tenant {tenant}, and "
            "takes a machine's identity of its own tenant only",
            f"choose another account: {hints.use(hints.ACCOUNT, hints.ORGANIZATION)}",
        )
    if kind == MANAGED_IDENTITY:
        which = managed_identity.read_identity(block.get("identity"))
        with HttpClient(web.remaining(), Settings(proxy="")) as direct:
            return managed_identity.ask(direct, block.get("source"), which, resource, environment)
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
        return exchange.ask_token(web, endpoint, form)
    except TokenRefused as refused:
        raise explained(refused, block) from None


def _from_azure_cli(
    block: Block, tenant: str, resource: str, seconds: float, environment: Mapping[str, str]
) -> Grant:
    """Name the tenant only where ``az`` would take another: some of its sign-ins refuse to be told one."""
    wanted = tenant if tenant != block.get("tenant").lower() else block.get("az_tenant")
    token = azure_cli.ask(resource, wanted, seconds, environment)
    if tenant and not wanted and token.tenant not in {"", tenant}:
        token = azure_cli.ask(resource, tenant, seconds, environment)
    return token.grant


# --- refusals

_SETUP = "{setup}"
_CASES: dict[int, Case] = {}


def _add(codes: str, cause: str, hint: str) -> None:
    _CASES.update(dict.fromkeys(map(int, codes.split()), Case(cause, hint)))


_add("7000215", "the client secret is not the one of {who} (it is the secret's value, not its id)", _SETUP)
_add(
    "7000222",
    "the client secret of {who} has expired",
    "make a new one in the app's registration, then {setup}",
)
_add("700016 700011 7000229", "{who} is not known in {tenant}", "check the client id and the tenant: {setup}")
_add("90002 900023", "{tenant} does not exist", "check the tenant: {setup}")
_add("500011", "{tenant} has no Azure DevOps", "check the tenant: {setup}")
_add("9001023", "a machine's identity needs its own tenant", "give its id: {setup}")
_add("53003 530035", "the Conditional Access rules of {tenant} block {who} here", "ask your administrator")
_add(
    "700027",
    "the certificate is none that is registered for {who}, or it has expired",
    "upload the certificate to the app's registration, or {setup}",
)
_add(
    "700024", "what proves {who} is not valid at this time", "check this machine's clock, and the token's age"
)
_add(
    "70021 70025 700211 700212 700213",
    "no federated credential of {who} fits the token",
    "compare issuer, subject and audience of the app's federated credentials with those of the token",
)


def explained(refused: TokenRefused, block: Block) -> AzdoError:
    """Word a refusal: which identity, what happened, what to run."""
    who, tenant = block.get("name") or block.get("client_id"), block.get("tenant")
    if entra.refusal_is_transient(refused):
        return NetworkError(f"the sign-in service is busy and gave no token for {who}", "try again")
    words = {"who": who, "tenant": f"tenant {tenant or 'unknown'}", "setup": setup_command(block)}
    case = next((_CASES[code] for code in refused.codes if code in _CASES), None)
    if case is None:
        message = entra.sign_in_error(refused, who=who, tenant=tenant).message
        return SignInError(f"no token for {who}: {message}", words["setup"])
    told = entra.for_administrators(refused)
    return SignInError(f"{case.cause.format_map(words)} ({told})", case.hint.format_map(words))
