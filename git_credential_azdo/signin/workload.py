"""Requests tokens for workload identities: service principal, managed identity, federation, Azure CLI.

``setup`` and every renewal use the same functions. Must never prompt, open a browser or use another identity: one that
is half configured is an error that names what is missing. An app registration's secret is read from the vault, and its
certificate from a file, each time. ``az`` runs outside the repository (it is a Python program, and ``python -m`` looks
for modules where it starts) and shows no prompt. Rules: RFC 6749 section 4.4, RFC 7523, Microsoft's
"Microsoft identity platform application authentication certificate credentials" and "az account get-access-token".
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Mapping

from git_credential_azdo import hints, programs
from git_credential_azdo.accounts.account import AZURE_CLI, FEDERATED, MANAGED_IDENTITY, Block
from git_credential_azdo.errors import NetworkError, ServiceError, SignInError, UsageError, may_repeat
from git_credential_azdo.git.address import quoted
from git_credential_azdo.git.protocol import Pair
from git_credential_azdo.git.target import is_tenant
from git_credential_azdo.signin import authorities, federation, managed_identity, oauth, sign_in_errors
from git_credential_azdo.signin.authorities import discover, saved_endpoint
from git_credential_azdo.signin.oauth import Grant
from git_credential_azdo.signin.sign_in_errors import app_error, setup_command
from git_credential_azdo.web import HttpClient

DEFAULT_SCOPE = f"{authorities.RESOURCE}/.default"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_SECONDS = 600
_SAFE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.:/-]*", re.ASCII)  # az.cmd passes its arguments to cmd.exe
_INSTALL = f"install it: {hints.AZURE_CLI_PAGE}"


def request_token(
    block: Block,
    tenant: str,
    web: HttpClient,
    read_secret: Callable[[], str | None],
    environment: Mapping[str, str],
) -> Grant:
    """Return a token for a tenant (empty if the account names none); the grant never holds a refresh token.

    Keys of ``block`` besides those of every account: ``client_id``, ``token_endpoint``, ``authority``, ``scope``;
    ``certificate`` (its path), ``send_x5c``, ``passphrase`` (service principal); ``identity``, ``source`` (managed
    identity: which one, and from which service); ``source``, ``token_file``, ``audience``, ``service_connection``
    (federation; with a managed identity ``identity`` and ``machine``); ``az_tenant`` (Azure CLI: the tenant that the user
    named). ``read_secret`` returns the secret under ``client-secret``; the deadline of ``web`` bounds everything.
    Raise SignInError, UsageError, NetworkError, ServiceError, VaultError.
    """
    kind = block.get("kind")
    resource = resource_of(block.get("scope"))
    home = block.get("tenant").lower()
    if kind == AZURE_CLI:
        # Named only where az would use another tenant: some of its sign-ins reject one that is named.
        wanted = tenant if tenant != home else block.get("az_tenant")
        grant, gave = ask_az(resource, wanted, web.remaining(), environment)
        if tenant and not wanted and gave not in {"", tenant}:
            grant, _ = ask_az(resource, tenant, web.remaining(), environment)
        return grant
    if tenant and home and tenant.lower() != home:
        raise SignInError(
            f"{block.get('name')} is an identity of tenant {home}; the organization belongs to tenant {tenant}, and "
            "accepts workload identities of its own tenant only",
            f"choose another account: {hints.use(hints.ACCOUNT, hints.ORGANIZATION)}",
        )
    if kind == MANAGED_IDENTITY:
        identity, service = block.get("identity"), block.get("source")
        return managed_identity.ask_directly(identity, service, resource, environment, web.remaining())
    endpoint = saved_endpoint(block, None, setup_command(block, elsewhere=True))
    if kind == FEDERATED:
        proven = by_assertion(federation.assertion(web, block, environment))
    else:
        proven = proof(block, read_secret)
    own = {"client_id": block.get("client_id"), "scope": block.get("scope") or DEFAULT_SCOPE}
    try:
        return authorities.request_token(web, endpoint, "client_credentials", **own, **proven)
    except oauth.OAuthError as refused:
        raise app_error(refused, block) from None


def resource_of(scope: str) -> str:
    """Return the resource of a scope, by default Azure DevOps: some services take a resource, not a scope."""
    return (scope or DEFAULT_SCOPE).removesuffix("/.default")


# --- client authentication


def proof(block: Block, read_secret: Callable[[], str | None]) -> dict[str, str]:
    """Return the parameters of the token request that authenticate the client.

    ``read_secret`` returns the client secret, or the passphrase of the certificate's key, from the vault. Raise
    SignInError for a secret or a certificate that is gone, UsageError without the package ``cryptography``.
    """
    path = block.get("certificate")
    if path:
        return by_assertion(_signed(block, path, read_secret() if block.get("passphrase") else None))
    secret = read_secret()
    if not secret:
        raise SignInError(
            f"the client secret of {block.get('client_id')} is no longer in the vault", setup_command(block)
        )
    return {"client_secret": secret}


def by_assertion(assertion: str) -> dict[str, str]:
    """Return the parameters that carry an assertion: our own, or another identity provider's."""
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def _signed(block: Block, path: str, passphrase: str | None) -> str:
    try:
        # Lazy: an optional extra, and slow to load where nothing is signed.
        from git_credential_azdo.signin import certificate  # noqa: PLC0415
    except ImportError:
        raise UsageError(
            "signing with a certificate requires the package cryptography",
            f"{hints.inject('cryptography')} (or: {hints.install_extra('certificate')})",
        ) from None
    now, client_id = int(time.time()), block.get("client_id")
    claims = {"aud": block.get("token_endpoint"), "iss": client_id, "sub": client_id}
    times = {"nbf": now, "iat": now, "exp": now + _ASSERTION_SECONDS}
    own = certificate.load(path, passphrase)
    return certificate.sign(own, {**claims, **times}, send_chain=block.get("send_x5c") == "1")


# --- the Azure CLI


def ask_az(
    resource: str, tenant: str, seconds: float, environment: Mapping[str, str]
) -> tuple[oauth.Grant, str]:
    """Return a token from ``az`` for a tenant (empty: its current subscription's), and the tenant it names, if any.

    Raise UsageError when there is no ``az``, SignInError when it is not signed in, NetworkError when it takes
    too long, ServiceError for output that holds no token.
    """
    if not _SAFE.fullmatch(resource) or (tenant and not _SAFE.fullmatch(tenant)):
        raise UsageError("the tenant or the resource is not valid", "check --tenant and --scope")
    words = ["az", "account", "get-access-token", "--resource", resource, "--output", "json"]
    words += ["--tenant", tenant] if tenant else []
    quiet = {**environment, "AZURE_CORE_NO_COLOR": "true"}
    try:
        # az may be signed in with a managed identity, and then requests its token itself.
        done = programs.run(words, seconds, environment=quiet, keep=managed_identity.SECRETS)
    except programs.NotFound:
        raise UsageError("the Azure CLI (az) is not on PATH", _INSTALL) from None
    except programs.Stopped as stopped:
        why = "printed too much" if stopped.is_too_long else f"returned no token within {seconds:.0f} s"
        raise NetworkError(f"the Azure CLI {why}", hints.AZURE_CLI_CHECK) from None
    except programs.ProgramError as error:
        raise UsageError(f"the Azure CLI does not start: {error.message}", _INSTALL) from None
    if done.returncode != 0:
        raise _refusal(done.stderr.decode("utf-8", "replace"), tenant)
    return read_az(done.stdout, time.time())


def read_az(data: bytes, now: float) -> tuple[oauth.Grant, str]:
    """Return the token and the tenant that ``az`` printed; ``now`` in seconds since the epoch. Raise ServiceError."""
    try:
        body = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        body = {}
    token, tenant = oauth.read_token(body.get("accessToken")), str(body.get("tenant")).lower()
    if not token:
        raise ServiceError("the Azure CLI returned something other than a token", hints.AZURE_CLI_CHECK)
    life = _end(body) - now
    if life < 1:
        raise ServiceError("the Azure CLI returned a token that has expired", "check this machine's clock")
    grant = oauth.read_grant(200, {"access_token": token, "expires_in": life})
    return grant, tenant if is_tenant(tenant) else ""


def _end(body: Mapping[str, object]) -> float:
    """Return when the token expires: ``expires_on`` is in seconds; ``expiresOn``, which is older, is local time."""
    seconds = body.get("expires_on")
    text = str(body.get("expiresOn")).partition(".")[0]
    with contextlib.suppress(ValueError, OverflowError):
        if isinstance(seconds, int):
            return float(seconds)
        return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S"))
    raise ServiceError("the Azure CLI does not say when its token ends", _INSTALL)


def _refusal(text: str, tenant: str) -> SignInError:
    """Return the error for what ``az`` wrote to stderr, as one line."""
    login = hints.az_login(sign_in_errors.nameable(tenant))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "no reason")
    refused = oauth.read_refusal(400, {"error_description": said.removeprefix("ERROR:")})
    if not refused.codes and hints.az_login() in text:
        return SignInError("the Azure CLI is not signed in", login)
    worded = sign_in_errors.sign_in_error(refused, who=None, tenant=tenant).message
    return SignInError(
        f"the Azure CLI returned no token: {worded if refused.codes else refused.description}", login
    )


# --- what setup requests from an authority


def registration(
    http: HttpClient,
    client_id: str,
    *,
    tenant: str,
    authority: str,
    login_host: str | None,
    environment: Mapping[str, str],
) -> list[Pair]:
    """Return what every app registration has: its ids and its endpoint, which the authority's configuration names.

    ``login_host``: the login host of the organizations' own cloud; Microsoft's public one if None.
    Raise UsageError, ServiceError, NetworkError.
    """
    if not client_id or not may_repeat(client_id) or any(each in client_id for each in " :/"):
        raise UsageError(
            f"{quoted(client_id)} is not a valid client id", "give the application (client) id of the app"
        )
    if not authority:
        if not tenant:
            raise UsageError("missing --tenant", "add --tenant TENANT (its id or a domain of it)")
        if tenant.lower() in authorities.ANY_TENANT:
            raise UsageError(f"{tenant} is not a tenant of its own", "give the tenant's id or a domain of it")
        authority = authorities.authority_of(tenant, login_host or authorities.PUBLIC_HOST)
        address = environment.get("AZURE_AUTHORITY_HOST")
        authority = f"{address.rstrip('/')}/{tenant}" if address else authority
    found = discover(http, authority)
    named = found.issuer.partition("://")[2].split("/")[1:2] if authorities.is_entra(found.token) else []
    return [
        ("name", client_id),
        ("client_id", client_id),
        ("tenant", named[0].lower() if named and is_tenant(named[0]) else ""),
        ("authority", authority),
        ("token_endpoint", found.token),
    ]
