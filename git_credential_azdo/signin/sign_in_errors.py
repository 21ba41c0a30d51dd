"""A server's no to a sign-in in words for people, what follows from it, and the command that signs in again. Pure.

Never branch on the prose of ``error_description``, and never show it as the whole message; where no code is known, it
is never lost either. The raw code, trace and correlation ids stand at the end, for administrators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import FEDERATED, MANAGED_IDENTITY, SERVICE_PRINCIPAL, SYSTEM
from git_credential_azdo.accounts.choice import PERSONAL_TENANTS
from git_credential_azdo.errors import AzdoError, NetworkError, SignInError, options
from git_credential_azdo.git.target import NIL_TENANT, Collection
from git_credential_azdo.hosts import origin
from git_credential_azdo.signin import entra
from git_credential_azdo.signin.entra_errors import APP_CASES, CASES, LINK_AGAIN, UNKNOWN, Case
from git_credential_azdo.signin.oauth import OPENID_SCOPE

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_credential_azdo.accounts.account import Account, Block
    from git_credential_azdo.signin.oauth import OAuthError

# Words that stand for many tenants, and those of personal Microsoft accounts, which may not be named (AADSTS9002332).
_NOT_A_TENANT_TO_NAME = PERSONAL_TENANTS | entra.ANY_TENANT | {NIL_TENANT}

UNNAMED = "signed-in"
"""The name of an account of a person whose name no server says."""


# --- what follows


def is_transient(refused: OAuthError) -> bool:
    """Return whether the same request may succeed later, without anyone doing anything."""
    busy = refused.status == 429 or refused.status >= 500  # noqa: PLR2004 - Too Many Requests, the server's own trouble
    return busy or "transient" in _case(refused)[0].flags


def is_permanent(refused: OAuthError) -> bool:
    """Return whether a refresh token gets nothing any more, in whatever tenant, until a person signs in again."""
    return not is_transient(refused) and "permanent" in _case(refused)[0].flags


def is_stale_code(refused: OAuthError) -> bool:
    """Return whether an authorization code was refused for itself: it was used, expired, or is of another link."""
    return "stale-code" in _case(refused)[0].flags


def blocks_device_code(refused: OAuthError) -> bool:
    """Return whether a sign-in by device code is what the tenant forbids, or cannot satisfy its policies."""
    return "blocks-device-code" in _case(refused)[0].flags


def _case(refused: OAuthError) -> tuple[Case, bool]:
    """Return what is known about a refusal, and whether it is known by its code."""
    known = next((CASES[code] for code in map(str, refused.codes) if code in CASES), None)
    case = known or CASES.get(refused.suberror) or CASES.get(refused.error) or UNKNOWN
    return case, known is not None


# --- words


def sign_in_error(
    refused: OAuthError, *, who: str | None, tenant: str | None, setup: Callable[..., str] = hints.setup
) -> SignInError:
    """Return a refusal in words: who, where, what happened, what to run.

    ``who``: the sign-in name, if known; ``tenant``: as asked for, if any; ``setup``: returns the command that signs in,
    with these values of ``tenant`` and ``login_hint``.
    """
    case, _ = _case(refused)
    return _worded(refused, case.cause, case.hint, _words(who, tenant, setup))


def code_error(
    refused: OAuthError, *, who: str | None, tenant: str | None, setup: Callable[..., str]
) -> SignInError:
    """Return in words why a code was not exchanged for tokens: no sign-in was there before."""
    case, _ = _case(refused)
    if case.flags >= {"stale-code", "permanent"}:
        cause = "this code is not valid: it was used before, has expired, or belongs to another link"
        return _worded(refused, cause, LINK_AGAIN, _words(who, tenant, setup))
    return sign_in_error(refused, who=who, tenant=tenant, setup=setup)


def app_error(refused: OAuthError, block: Block) -> AzdoError:
    """Return a refusal of a workload identity in words: which one, what happened, what to run."""
    who, tenant = block.get("name") or block.get("client_id"), block.get("tenant")
    if is_transient(refused):
        return busy_error(refused, who)
    case, _ = _case(refused)
    own = next((APP_CASES[code] for code in map(str, refused.codes) if code in APP_CASES), None)
    again = setup_command(block)
    words = {
        "who": who,
        "tenant": f"tenant {tenant}" if tenant else "the tenant",
        "setup": again,
        "setup_other": again,
    }
    own = own or Case(f"no token for {{who}}: {case.cause}", "{setup}")
    return _worded(refused, own.cause, own.hint, words)


def busy_error(refused: OAuthError, who: str) -> NetworkError:
    """Return in words that the service gave no token this time, though nothing is wrong with the account."""
    case, known = _case(refused)
    if known and "transient" in case.flags:
        worded = _worded(refused, f"no token for {{who}}: {case.cause}", case.hint, {"who": who})
        return NetworkError(worded.message, worded.hint)
    said = f"; the server says: {refused.description}" if refused.description else ""
    return NetworkError(f"the sign-in service is busy and gave no token for {who}{said}", "try again")


def for_administrators(refused: OAuthError) -> str:
    """Return the raw codes and ids of a refusal, which an administrator looks for in the tenant's sign-in logs."""
    parts = [f"AADSTS{code}" for code in refused.codes] or [refused.error]
    if not refused.codes and refused.suberror:
        parts.append(refused.suberror)
    if refused.trace_id:
        parts.append(f"trace id {refused.trace_id}")
    if refused.correlation_id:
        parts.append(f"correlation id {refused.correlation_id}")
    return ", ".join(parts)


def _worded(refused: OAuthError, cause: str, hint: str, words: dict[str, str]) -> SignInError:
    message = cause.format_map(words)
    if not _case(refused)[1] and refused.description:
        message += f"; the server says: {refused.description}"
    return SignInError(f"{message} ({for_administrators(refused)})", hint.format_map(words))


def nameable(tenant: str | None) -> str:
    """Return a tenant that a command may name, or an empty text."""
    return tenant if tenant and tenant.lower() not in _NOT_A_TENANT_TO_NAME else ""


def _words(who: str | None, tenant: str | None, setup: Callable[..., str]) -> dict[str, str]:
    """Return the fill-ins for causes and hints; the commands are ready to be copied into a shell."""
    known = nameable(tenant)
    return {
        "who": who or "this account",
        "tenant": f"tenant {known}" if known else "the tenant",
        "setup": setup(tenant=known, login_hint=who if who and "@" in who else ""),
        "setup_other": setup(tenant=known, login_hint=""),
        "setup_tenant": setup(tenant=known or hints.TENANT, login_hint=""),
    }


# --- signing in again


def setup_again(account: Account) -> str:
    """Return the command that signs an account in again, in the same way, to be copied into a shell."""
    if account.is_workload:
        return setup_command(account.block)
    if account.is_pat:
        named = account.organizations
        return hints.setup_pat(*named) if named else hints.setup()
    return setup_of(account)(login_hint=_login_hint(account))


def setup_of(account: Account) -> Callable[..., str]:
    """Return the function that returns the command that signs a person in as for this account, given tenant and name."""
    own = _options(account)
    # An own registration may be known in that tenant only (AADSTS50194).
    home = nameable(account.tenant) if "--client-id" in own else ""

    def command(*, tenant: str = home, login_hint: str = "") -> str:
        named = "" if "--authority" in own else tenant
        return hints.setup(tenant=named, login_hint=login_hint, more=own)

    return command


def elsewhere(account: Account, kept_origin: str | None) -> str:
    """Return what to run when the accounts file names another server than the vault: never a sign-in at that one."""
    if entra.is_entra(kept_origin or "") or (kept_origin is None and account.tenant):
        return hints.setup(login_hint=_login_hint(account))
    if kept_origin in {None, origin(account.block.get("authority"))}:
        return setup_again(account)
    return hints.logout(account.name)


def _login_hint(account: Account) -> str:
    """Return the sign-in name, or an empty text where the account's name is none."""
    return "" if account.name in {UNNAMED, account.block.get("subject")} else account.name


def _options(account: Account) -> list[str]:
    """Return what ``setup`` must be given again: cloud, authority, own app registration."""
    block = account.block
    collections = (name for name in account.organizations if isinstance(name, Collection))
    own = {
        "--org": next(collections, ""),
        "--authority": block.get("authority"),
        "--client-id": block.get("client_id"),
        "--redirect-uri": block.get("redirect_uri"),
        "--scope": block.get("scope"),
    }
    usual = {entra.DEFAULT_CLIENT_ID, entra.DEFAULT_REDIRECT, entra.DEFAULT_SCOPE, OPENID_SCOPE, ""}
    return [
        word
        for option, value in own.items()
        if value not in usual and urlsplit(value).netloc != entra.PUBLIC_HOST
        for word in (option, value)
    ]


def setup_command(block: Block) -> str:
    """Return the command that sets this machine's identity up again, to be copied into a shell."""
    kind = block.get("kind")
    operand, words = "", []
    if kind == SERVICE_PRINCIPAL:
        operand, words = block.get("client_id"), _fields(block, "tenant", "certificate")
        words += ["--send-x5c"] if block.get("send_x5c") else []
    elif kind == MANAGED_IDENTITY:
        operand = block.get("identity") or SYSTEM
    elif kind == FEDERATED:
        operand = block.get("source")
        words = _fields(block, "client_id", "tenant", "token_file", "audience", "service_connection")
        words += options(managed_identity=block.get("identity"))
    else:
        words = options(tenant=block.get("az_tenant"))
    words += [word for name in block.all("org[]") for word in ("--org", name)]
    return hints.setup_as(kind, words, operand)


def _fields(block: Block, *keys: str) -> list[str]:
    return options(**{key: block.get(key) for key in keys})
