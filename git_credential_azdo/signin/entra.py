"""Microsoft Entra ID: its hosts, its constants, and what its refusals mean to a person. Pure.

Sources: Microsoft's "Microsoft identity platform" pages (authorization code flow, error codes AADSTS) and
"Use Microsoft Entra OAuth with Azure DevOps". Never branch on the prose of ``error_description``; never show
it as the whole message. The raw code, trace and correlation ids stand at the end, for administrators.
"""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from git_credential_azdo.errors import SignInError, UsageError
from git_credential_azdo.signin.oauth import TokenRefused, is_safe_url

DEFAULT_CLIENT_ID = (
    "872cd9fa-d31f-45e0-9eab-6e460a02d1f1"  # Visual Studio: the first-party client of all helpers
)
RESOURCE = "499b84ac-1321-427f-aa17-267ca6975798"  # Azure DevOps
DEFAULT_SCOPE = f"{RESOURCE}/.default offline_access openid profile"
DEFAULT_REDIRECT = "http://localhost"  # any port, but no path and no 127.0.0.1 (AADSTS50011)

PUBLIC_HOST = "login.microsoftonline.com"
LOGIN_HOSTS = frozenset(
    {
        PUBLIC_HOST,
        "login.windows.net",
        "login.microsoft.com",
        "sts.windows.net",
        "login.microsoftonline.us",
        "login.partner.microsoftonline.cn",
        "login.chinacloudapi.cn",
    }
)
_ISSUER_HOSTS = {  # hosts whose documents name another one as the issuer
    "login.windows.net": PUBLIC_HOST,
    "login.microsoft.com": PUBLIC_HOST,
    "sts.windows.net": PUBLIC_HOST,
    "login.chinacloudapi.cn": "login.partner.microsoftonline.cn",
}

ANY_WORK_TENANT = "organizations"  # also the way in for personal accounts (MSA pass-through)
MSA_TENANT = (
    "9188040d-6c67-4c5b-b112-36a304b66dad"  # where personal accounts live; gives no Azure DevOps token
)
TRANSFER_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"  # where their Azure DevOps tokens come from
NO_TENANT = "00000000-0000-0000-0000-000000000000"  # what an organization of personal accounts says

_WELL_KNOWN = "/.well-known/openid-configuration"
_TENANT = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z.-]{0,252}[0-9A-Za-z])?", re.ASCII)


# --- addresses


def authority(tenant: str) -> str:
    """Give Microsoft's authority of a tenant: its GUID, a domain of it, or ``organizations``."""
    if not _TENANT.fullmatch(tenant):
        raise UsageError(f"{tenant!r} is no tenant", "give the tenant's id (a GUID) or one of its domains")
    return f"https://{PUBLIC_HOST}/{tenant}"


def is_entra(url: str) -> bool:
    """Say whether a URL is on one of Microsoft's login hosts, by https and without a port."""
    scheme, _, rest = url.partition("://")
    return scheme.lower() == "https" and rest.partition("/")[0].lower() in LOGIN_HOSTS


def issuer(given: str) -> str:
    """Give the issuer that an authority's document must name, ``{tenantid}`` standing for any tenant.

    ``given``: an authority as people write it: with or without a final slash, ``/v2.0`` (Entra) or the whole
    well-known address. ``UsageError`` if it is not https (loopback may be http).
    """
    base = _without_well_known(given)
    if not is_entra(base):
        return base
    host = urlsplit(base).netloc.lower()
    return f"https://{_ISSUER_HOSTS.get(host, host)}/{_issuer_tenant(_tenant_of(base))}/v2.0"


def discovery_url(given: str) -> str:
    """Give the address of an authority's OpenID configuration (``given`` as for ``issuer``)."""
    base = _without_well_known(given)
    if not is_entra(base):
        return base + _WELL_KNOWN
    return f"https://{urlsplit(base).netloc.lower()}/{_tenant_of(base)}/v2.0{_WELL_KNOWN}"


def for_tenant(token_endpoint: str, tenant: str) -> str:
    """Give the same endpoint for another tenant, on Microsoft's hosts; any other endpoint is unchanged.

    Personal accounts' own tenant, and the zero tenant their organizations name, become the transfer tenant:
    only that one gives them tokens for Azure DevOps.
    """
    if not is_entra(token_endpoint):
        return token_endpoint
    if not _TENANT.fullmatch(tenant):
        raise UsageError(f"{tenant!r} is no tenant")
    if tenant.lower() in (MSA_TENANT, NO_TENANT):
        tenant = TRANSFER_TENANT
    parts = urlsplit(token_endpoint)
    rest = parts.path.lstrip("/").partition("/")[2]
    return urlunsplit(parts._replace(path=f"/{tenant}/{rest}"))


def _without_well_known(given: str) -> str:
    base = given.strip().partition("?")[0].removesuffix(_WELL_KNOWN).rstrip("/")
    if not is_safe_url(base):
        raise UsageError(
            "the authority must be an https address", f"for example --authority {authority(ANY_WORK_TENANT)}"
        )
    return base


def _tenant_of(base: str) -> str:
    first = urlsplit(base).path.lstrip("/").partition("/")[0]
    if first in ("", "v2.0"):
        return ANY_WORK_TENANT
    if not _TENANT.fullmatch(first):
        raise UsageError(f"{first!r} is no tenant", "give the tenant's id (a GUID) or one of its domains")
    return first


def _issuer_tenant(tenant: str) -> str:
    """Documents name a tenant by its GUID only; domains and ``common`` therefore match any."""
    return (
        tenant.lower()
        if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", tenant)
        else "{tenantid}"
    )


# --- refusals


class _Case(NamedTuple):
    """What a refusal means: ``cause`` and ``hint`` with {who}, {tenant} and {setup...} to fill in."""

    cause: str
    hint: str


_AGAIN = "{setup}"
_LINK_AGAIN = "run {setup} again and use the new link within ten minutes"
_OTHER_ACCOUNT = "sign in with an account of that tenant: {setup_other}"
_ADMIN_DEVICE = "sign in in a browser on a managed device: {setup}; else ask your administrator"

_CASES: dict[int, _Case] = {}


def _add(codes: str, cause: str, hint: str) -> None:
    _CASES.update(dict.fromkeys(map(int, codes.split()), _Case(cause, hint)))


_add("50076 50074", "{tenant} asks {who} for a second factor", _AGAIN)
_add("50079 50072", "{who} must first enrol for a second factor in {tenant}", _AGAIN)
_add("50078", "the second factor of {who} has expired in {tenant}", _AGAIN)
_add(
    "53000 53001 530032 530033 50005 50097 50129",
    "{tenant} admits {who} only from a device that it manages",
    _ADMIN_DEVICE,
)
_add(
    "53002",
    "{tenant} does not allow this program under its Conditional Access rules",
    "ask your administrator",
)
_add("53003 530035", "the Conditional Access rules of {tenant} block {who} here", _ADMIN_DEVICE)
_add("65001", "{who} has not consented to this program in {tenant}", _AGAIN)
_add(
    "90094 90095",
    "an administrator of {tenant} must approve this program",
    "ask your administrator, then run {setup}",
)
_add("65004", "{who} declined in the browser", _AGAIN)
_add(
    "65002 650057 650052",
    "this client id may not ask for Azure DevOps",
    "leave --client-id out, or give the app the permission Azure DevOps / user_impersonation",
)
_add(
    "700016 70001 700011",
    "the client id is not known in {tenant}",
    "check --client-id and --tenant",
)
_add("500011", "{tenant} has no Azure DevOps", "give the organization's own tenant: {setup_tenant}")
_add("50020 90072 50034", "{who} is no member or guest of {tenant}", _OTHER_ACCOUNT)
_add("500200 50177", "{tenant} does not admit personal Microsoft accounts", _OTHER_ACCOUNT)
_add(
    "50194 90130 9002332",
    "this client id cannot be used with every kind of account",
    "give the tenant: {setup_tenant}",
)
_add("70008 700082", "the sign-in of {who} has expired", _AGAIN)
_add("70043 70044", "{tenant} wants {who} to sign in again from time to time", _AGAIN)
_add(
    "50173 50133 500133", "the sign-in of {who} was revoked (a changed password, or an administrator)", _AGAIN
)
_add("50089 70000 50058 50132 70002", "the sign-in of {who} is no longer valid", _AGAIN)
_add("50053 50057", "the account {who} is locked or disabled in {tenant}", "ask your administrator")
_add("50105", "{who} is not assigned to this program in {tenant}", "ask your administrator")
_add("50055 50144", "the password of {who} has expired", "change it in a browser, then run {setup}")
_add("54005", "this code was used before", _LINK_AGAIN)
_add("501481 50148", "this code belongs to another attempt to sign in", _LINK_AGAIN)
_add(
    "50011",
    "the redirect address is not registered for this client id",
    "check --redirect-uri and --client-id",
)
_add("70011 500131", "the scope is not one that this client id may ask for", "check --scope")
_add("700005", "this code was given for another tenant", _LINK_AGAIN)
_add("700022", "the scope asks for more than one service", "check --scope")
_add("9002313 900144 90014", "the request was malformed", _LINK_AGAIN)
_add("500119", "the redirect address is of a kind that is no longer allowed", "check --redirect-uri")
_add("70016", "the code has not been entered yet", "enter it on the page shown")
_add("70018 90119", "the code that was entered is not the one shown", _AGAIN)
_add("70019", "the code was not entered in time", _AGAIN)
_add("90120", "the code was answered before", _AGAIN)
_add("700025", "this client id is a public one and must not send a secret", "leave the client secret out")
_add(
    "7000218",
    "this client id needs a secret",
    "use a client id that is registered for mobile and desktop programs",
)
_add("7000215", "the client secret is wrong", "check the client secret: its value, not its id")
_add("7000222", "the client secret has expired", "make a new client secret in the app's registration")
_add("90002", "{tenant} does not exist", "check --tenant")
_add(
    "90038",
    "{tenant} is in a national cloud",
    "give its authority, for example --authority https://login.microsoftonline.us/TENANT",
)
_add("90055 90033 90006", "Microsoft's sign-in service is busy", "try again in a minute")

_BY_ERROR = {
    "invalid_grant": _CASES[70000],
    "interaction_required": _Case("{tenant} wants {who} to sign in again", _AGAIN),
    "login_required": _Case("{tenant} wants {who} to sign in again", _AGAIN),
    "consent_required": _CASES[65001],
    "access_denied": _CASES[65004],
    "authorization_declined": _CASES[65004],
    "expired_token": _CASES[70019],
    "invalid_client": _Case("the client id or its secret was refused", "check --client-id"),
    "unauthorized_client": _Case("this client id may not sign in this way", "check --client-id"),
    "invalid_scope": _CASES[70011],
    "invalid_resource": _CASES[500011],
    "temporarily_unavailable": _CASES[90033],
    "server_error": _CASES[90033],
}
_BY_SUBERROR = {
    "consent_required": _CASES[65001],
    "protection_policy_required": _CASES[53000],
    "device_authentication_failed": _CASES[53000],
    "client_mismatch": _Case("the sign-in was made with another client id", _AGAIN),
}
_UNKNOWN = _Case("the sign-in server refused {who}", _AGAIN)

_TRANSIENT_CODES = frozenset({90055, 90033, 90006})
_TRANSIENT_ERRORS = frozenset({"temporarily_unavailable", "server_error"})
_PERSON_ERRORS = frozenset(
    {"invalid_grant", "interaction_required", "login_required", "consent_required", "access_denied"}
)


def sign_in_error(
    refused: TokenRefused, *, who: str | None, tenant: str | None, organization: str | None = None
) -> SignInError:
    """Word a refusal: who, where, what happened, what to run. Unknown codes by ``error`` and ``suberror``.

    ``who``: the sign-in name, if known; ``tenant``: as asked for, if any; ``organization``: Azure DevOps'.
    """
    known = next((_CASES[code] for code in refused.codes if code in _CASES), None)
    by_word = _BY_SUBERROR.get(refused.suberror) or _BY_ERROR.get(refused.error)
    case = known or by_word or _UNKNOWN
    words = _words(who, tenant, organization)
    message = case.cause.format_map(words)
    if not known and refused.description:
        message += f"; the server says: {refused.description}"
    return SignInError(f"{message} ({_for_administrators(refused)})", case.hint.format_map(words))


def refusal_is_transient(refused: TokenRefused) -> bool:
    """Say whether the same request may succeed later, without anyone doing anything."""
    return (
        refused.status == 429  # noqa: PLR2004 - Too Many Requests
        or refused.status >= 500  # noqa: PLR2004 - the server's own trouble
        or refused.error in _TRANSIENT_ERRORS
        or not _TRANSIENT_CODES.isdisjoint(refused.codes)
    )


def refusal_needs_person(refused: TokenRefused) -> bool:
    """Say whether this sign-in is over until a person signs in (or an administrator acts)."""
    return not refusal_is_transient(refused) and refused.error in _PERSON_ERRORS


def _words(who: str | None, tenant: str | None, organization: str | None) -> dict[str, str]:
    """Fill-ins for causes and hints; the commands are ready to be copied into a shell."""
    known_tenant = tenant if tenant and tenant not in ("common", ANY_WORK_TENANT) else None
    setup = ["git", "credential-azdo", "setup"]
    where = ["--org", organization] if organization else ["--tenant", known_tenant] if known_tenant else []
    hint = ["--login-hint", who] if who and "@" in who else []
    return {
        "who": who or "this account",
        "tenant": f"tenant {known_tenant}" if known_tenant else "the tenant",
        "setup": shlex.join([*setup, *where, *hint]),
        "setup_other": shlex.join([*setup, *where]),
        "setup_tenant": f"{shlex.join(setup)} --tenant {known_tenant or 'TENANT'}",
    }


def _for_administrators(refused: TokenRefused) -> str:
    parts = [f"AADSTS{code}" for code in refused.codes] or [refused.error]
    if not refused.codes and refused.suberror:
        parts.append(refused.suberror)
    if refused.trace_id:
        parts.append(f"trace id {refused.trace_id}")
    if refused.correlation_id:
        parts.append(f"correlation id {refused.correlation_id}")
    return ", ".join(parts)
