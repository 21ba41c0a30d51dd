"""A server's no to a sign-in in words for people, what follows from it, and the command that signs in again. Pure.

Never branch on the prose of ``error_description``, and never show it as the whole message; where no code is known, it
is never lost either. The raw code, trace and correlation ids stand at the end, for administrators.
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

# Words that stand for many tenants, and those of personal Microsoft accounts, which may not be named (AADSTS9002332).
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
"""Of each kind of workload identity the key of its operand to ``setup``, those of its options, and those that make two one."""
_NAMED_OTHERWISE = {"identity": "managed_identity", "az_tenant": "tenant"}
"""The options that are not named as their key."""
UNNAMED = "signed-in"
"""The name of an account of a person whose name no server says."""


def flags_of(refused: OAuthError) -> frozenset[str]:
    """Return what follows from a refusal: the flags of ``entra_errors``; what a busy server says is only for now."""
    flags = _case(refused)[0].flags
    return flags - {"permanent"} | {"transient"} if is_busy(refused.status) else flags


def _case(refused: OAuthError) -> tuple[Case, bool]:
    """Return what is known about a refusal, and whether it is known by its code."""
    known = next((CASES[code] for code in map(str, refused.codes) if code in CASES), None)
    case = known or CASES.get(refused.suberror) or CASES.get(refused.error) or UNKNOWN
    return case, known is not None


# --- words


def sign_in_error(
    refused: OAuthError,
    *,
    who: str | None,
    tenant: str | None,
    setup: Callable[..., str] = hints.setup,
    is_first: bool = False,
) -> SignInError:
    """Return a refusal in words: who, where, what happened, what to run.

    ``who``: the sign-in name, if known; ``tenant``: as asked for, if any; ``setup``: returns the command that signs in,
    with these values of ``tenant`` and ``login_hint``; ``is_first``: whether a code was refused, and no sign-in was
    there before that could be valid no longer.
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
    """Return a refusal of a workload identity in words: which one, what happened, what to run."""
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
    """Return in words that the service gave no token this time, though nothing is wrong with the account."""
    case, known = _case(refused)
    if known and "transient" in case.flags:
        worded = _worded(refused, Case(f"no token for {{who}}: {case.cause}", case.hint), {"who": who})
        return NetworkError(worded.message, worded.hint)
    return NetworkError(
        f"the sign-in service is busy and gave no token for {who}{_says(refused)}", "try again"
    )


def for_administrators(refused: OAuthError) -> str:
    """Return the raw codes and ids of a refusal, which an administrator looks for in the tenant's sign-in logs."""
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
    """Return a tenant that a command may name, or an empty text."""
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
    """Return the function that returns the command that signs a person in as for this account, given tenant and name."""
    own = _own_options(account)
    # An own registration may be known in that tenant only (AADSTS50194).
    home = nameable(account.tenant) if "--client-id" in own else ""

    def command(*, tenant: str = home, login_hint: str = "") -> str:
        named = "" if "--authority" in own else tenant
        return hints.setup(tenant=named, login_hint=login_hint, more=own)

    return command


def elsewhere(account: Account, kept_origin: str | None) -> str:
    """Return what to run when the accounts file names another server than the vault: never a sign-in at that one."""
    if authorities.is_entra(kept_origin or "") or (kept_origin is None and account.tenant):
        return hints.setup(login_hint=_login_hint(account))
    if kept_origin in {None, origin(account.block.get("authority"))}:
        return setup_again(account)
    return hints.logout(account.name)


def _login_hint(account: Account) -> str:
    """Return the sign-in name, or an empty text where the account's name is none."""
    return "" if account.name in {UNNAMED, account.block.get("subject")} else account.name


def _own_options(account: Account) -> list[str]:
    """Return what ``setup`` must be given again: cloud, authority, own app registration."""
    collections = (name for name in account.organizations if isinstance(name, Collection))
    own = ("authority", "client_id", "redirect_uri", "scope")
    return options(org=next(collections, "")) + _unusual(account.block, own)


def _unusual(block: Block, keys: Iterable[str]) -> list[str]:
    """Return the options of ``setup`` for the values of these keys, without its defaults, and whether it was --bearer."""
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
    """Return the command that sets this machine's identity up again, to be copied into a shell.

    ``elsewhere``: the accounts file names another server than the one that it was set up at, which is left out.
    """
    kind = block.get("kind")
    operand, keys, _ = KEYS[kind]
    words = _unusual(block, [key for key in (*keys, "scope") if key != "authority" or not elsewhere])
    words += ["--send-x5c"] if block.get("send_x5c") else []
    words += [word for name in block.all("org[]") for word in ("--org", name)]
    return hints.setup_as(kind, words, block.get(operand) or (SYSTEM if kind == MANAGED_IDENTITY else ""))
