"""The messages for failed sign-ins, what follows from each, and the command that signs in again. Pure.

Must never branch on the wording of ``error_description``, nor show it as the whole message; but if no code is known,
it is always included. The raw code, trace and correlation ids are at the end, for administrators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import (
    AZURE_CLI,
    FEDERATED,
    MANAGED_IDENTITY,
    SERVICE_PRINCIPAL,
    SYSTEM,
    Account,
    Block,
)
from git_credential_azdo.accounts.choice import PERSONAL_TENANTS
from git_credential_azdo.errors import AzdoError, NetworkError, SignInError, options
from git_credential_azdo.git.target import NIL_TENANT, Collection, origin
from git_credential_azdo.signin import authorities
from git_credential_azdo.signin.entra_errors import APP_CASES, CASES, LINK_AGAIN, UNKNOWN, Case
from git_credential_azdo.signin.oauth import OPENID_SCOPE, OAuthError, is_busy

# Names for many tenants, and those for personal Microsoft accounts, which may not be named (AADSTS9002332).
_NOT_A_TENANT_TO_NAME = PERSONAL_TENANTS | authorities.ANY_TENANT | {NIL_TENANT}

KEYS = {
    SERVICE_PRINCIPAL: ("client_id", ("tenant", "authority", "certificate"), ("client_id", "token_endpoint")),
    MANAGED_IDENTITY: ("identity", (), ("identity", "source")),
    FEDERATED: (
        "source",
        ("client_id", "tenant", "authority", "token_file", "audience", "service_connection", "identity"),
        ("client_id", "token_endpoint", "source"),
    ),
    AZURE_CLI: ("", ("az_tenant",), ("tenant",)),
}
"""For each kind of workload identity: the key of ``setup``'s operand, those of its options, those that identify it."""
_NAMED_OTHERWISE = {"identity": "managed_identity", "az_tenant": "tenant"}
"""The options whose name differs from their key."""
UNNAMED = "signed-in"
"""The name of a user's account if no server gives a name."""


def flags_of(refused: OAuthError) -> frozenset[str]:
    """Return what follows from an error: the flags of ``entra_errors``; a busy server's errors are only transient."""
    flags = _case(refused)[0].flags
    return flags - {"permanent"} | {"transient"} if is_busy(refused.status) else flags


def _case(refused: OAuthError) -> tuple[Case, bool]:
    """Return the case for an error, and whether it was found by its AADSTS code."""
    known = next((CASES[code] for code in map(str, refused.codes) if code in CASES), None)
    case = known or CASES.get(refused.suberror) or CASES.get(refused.error) or UNKNOWN
    return case, known is not None


# --- messages


def sign_in_error(
    refused: OAuthError,
    *,
    who: str | None,
    tenant: str | None,
    setup: Callable[..., str] = hints.setup,
    is_first: bool = False,
) -> SignInError:
    """Return the error to show: who, which tenant, what happened, what to run.

    ``who``: the sign-in name, if known; ``tenant``: as requested, if any; ``setup``: returns the command that signs in,
    with these values of ``tenant`` and ``login_hint``; ``is_first``: whether a code was refused, and there was no
    earlier sign-in that could have expired.
    """
    case, known = _case(refused)[0], nameable(tenant)
    if is_first and case.flags >= {"stale-code", "permanent"}:
        cause = "this code is not valid: it was used before, has expired, or belongs to another link"
        case = Case(cause, LINK_AGAIN)
    words = {
        "who": who or "this account",
        "tenant": f"tenant {known}" if known else "the tenant",
        "setup": setup(tenant=known, login_hint=who if who and "@" in who else ""),
        "setup_other": setup(tenant=known, login_hint=""),
        "setup_tenant": setup(tenant=known or hints.TENANT, login_hint=""),
    }
    return _worded(refused, case, words)


def app_error(refused: OAuthError, block: Block) -> AzdoError:
    """Return the error to show for a workload identity: which one, what happened, what to run."""
    who, tenant = block.get("name") or block.get("client_id"), block.get("tenant")
    if "transient" in flags_of(refused):
        return busy_error(refused, who)
    own = next((APP_CASES[code] for code in map(str, refused.codes) if code in APP_CASES), None)
    own = own or Case(f"no token for {{who}}: {_case(refused)[0].cause}", "{setup}")
    words = {
        "who": who,
        "tenant": f"tenant {tenant}" if tenant else "the tenant",
        "setup": setup_command(block),
    }
    return _worded(refused, own, words)


def busy_error(refused: OAuthError, who: str) -> NetworkError:
    """Return the error for a service that gave no token this time, though nothing is wrong with the account."""
    case, known = _case(refused)
    if known and "transient" in case.flags:
        worded = _worded(refused, Case(f"no token for {{who}}: {case.cause}", case.hint), {"who": who})
        return NetworkError(worded.message, worded.hint)
    return NetworkError(
        f"the sign-in service is busy and issued no token for {who}{_says(refused)}", "try again"
    )


def for_administrators(refused: OAuthError) -> str:
    """Return the raw codes and ids of an error, which an administrator looks for in the tenant's sign-in logs."""
    parts = [f"AADSTS{code}" for code in refused.codes] or [refused.error]
    if not refused.codes and refused.suberror:
        parts.append(refused.suberror)
    return ", ".join((*parts, *refused.ids))


def _worded(refused: OAuthError, case: Case, words: dict[str, str]) -> SignInError:
    says = "" if _case(refused)[1] else _says(refused)
    message = f"{case.cause.format_map(words)}{says} ({for_administrators(refused)})"
    return SignInError(message, case.hint.format_map(words))


def _says(refused: OAuthError) -> str:
    return f"; the server says: {refused.description}" if refused.description else ""


def nameable(tenant: str | None) -> str:
    """Return a tenant that a command may name, or an empty string."""
    return tenant if tenant and tenant.lower() not in _NOT_A_TENANT_TO_NAME else ""


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
    """Return a function that returns the ``setup`` command for this account, given a tenant and a sign-in name."""
    own = _own_options(account)
    # The user's own app registration may be known in that tenant only (AADSTS50194).
    home = nameable(account.tenant) if "--client-id" in own else ""

    def command(*, tenant: str = home, login_hint: str = "") -> str:
        named = "" if "--authority" in own else tenant
        return hints.setup(tenant=named, login_hint=login_hint, more=own)

    return command


def elsewhere(account: Account, saved_origin: str | None) -> str:
    """Return what to run when the accounts file names another server than the vault: never a sign-in at that server."""
    if authorities.is_entra(saved_origin or "") or (saved_origin is None and account.tenant):
        return hints.setup(login_hint=_login_hint(account))
    if saved_origin in {None, origin(account.block.get("authority"))}:
        return setup_again(account)
    return hints.logout(account.name)


def _login_hint(account: Account) -> str:
    """Return the sign-in name, or an empty string if the account's name is not one."""
    return "" if account.name in {UNNAMED, account.block.get("subject")} else account.name


def _own_options(account: Account) -> list[str]:
    """Return the options that ``setup`` needs again: cloud, authority, the user's own app registration."""
    collections = (name for name in account.organizations if isinstance(name, Collection))
    own = ("authority", "client_id", "redirect_uri", "scope")
    return options(org=next(collections, "")) + _unusual(account.block, own)


def _unusual(block: Block, keys: Iterable[str]) -> list[str]:
    """Return the options of ``setup`` for these keys, except default values, and --bearer if it was given."""
    usual = {
        authorities.DEFAULT_CLIENT_ID,
        authorities.DEFAULT_REDIRECT,
        authorities.DEFAULT_SCOPE,
        OPENID_SCOPE,
    }
    values = {_NAMED_OTHERWISE.get(key, key): block.get(key) for key in keys}
    public = f"https://{authorities.PUBLIC_HOST}/"
    own = {
        name: each for name, each in values.items() if each not in usual and not f"{each}/".startswith(public)
    }
    return options(**own) + (["--bearer"] if block.get("authtype") == "Bearer" else [])


def setup_command(block: Block, *, elsewhere: bool = False) -> str:
    """Return the command that sets this workload identity up again, to be copied into a shell.

    ``elsewhere``: whether the accounts file names another server than it was set up with; its authority is left out.
    """
    kind = block.get("kind")
    operand, keys, _ = KEYS[kind]
    words = _unusual(block, [key for key in (*keys, "scope") if key != "authority" or not elsewhere])
    words += ["--send-x5c"] if block.get("send_x5c") else []
    words += [word for name in block.all("org[]") for word in ("--org", name)]
    return hints.setup_as(kind, words, block.get(operand) or (SYSTEM if kind == MANAGED_IDENTITY else ""))
