"""Get the next token of an account: one request at a time, under the account's lock; write all that the response brings.

Loaded only when a token is due. The new refresh token is written before anything else, since it may invalidate the old
one. If a vault or the accounts file cannot be written, a line on stderr says so; the token received must never be lost
for that. Of several processes only the one that sends the request loads the HTTP client: the others find its token once
they hold the lock.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from git_credential_azdo import deadline, errors, tokens
from git_credential_azdo.accounts.account import Account, IssuedToken, digest, number
from git_credential_azdo.accounts.accounts_file import AccountsFile
from git_credential_azdo.accounts.update import (
    ANY,
    Failure,
    clear_failures,
    failure_of,
    forget_secrets,
    mark_failure,
    update,
)
from git_credential_azdo.errors import (
    AzdoError,
    NetworkError,
    ProtocolError,
    ServiceError,
    SignInError,
    VaultError,
    say,
)
from git_credential_azdo.files import lock_path
from git_credential_azdo.git.target import AnyOrganization, origin
from git_credential_azdo.tokens import Token
from git_credential_azdo.vault import payload, vaults
from git_credential_azdo.writing import Busy, Lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_credential_azdo.git.protocol import Message, Pair
    from git_credential_azdo.signin.oauth import Grant
    from git_credential_azdo.web import HttpClient


def authorization(
    account: Account, organization: AnyOrganization | None, accounts_file: AccountsFile
) -> dict[str, str]:
    """Return the header with the account's live token for the organization (None: for any). Raise as ``refresh``."""
    from git_credential_azdo.devops import api  # noqa: PLC0415 - see the module's docstring

    if account.is_pat:
        return api.basic(tokens.personal_access_token(account).secret)
    tenant = tenant_for(account, organization, accounts_file)
    return api.bearer((tokens.live(account, tenant) or refresh(account, tenant, accounts_file.salt)).secret)


def refresh(account: Account, tenant: str, salt: bytes) -> Token:
    """Return the next access token of the account for the tenant, or the one that another process got meanwhile.

    While requests fail, one is sent per minute, or as ``Retry-After`` says; until then, the last failure is raised again.
    Raise SignInError when the user must sign in again, NetworkError, ServiceError, VaultError, VaultLocked.
    """
    asked = int(time.time())
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(Lock(lock_path(account.id), deadline.left()))
        except Busy as busy:
            raise VaultError(f"{busy.message} to refresh the token of {account.label}", "try again") from None
        except OSError:  # a read-only home has no place for the lock; at worst two processes refresh
            return _next(account, tenant, salt)
        token = tokens.live(account, tenant, since=asked)
        if token is None:
            _raise_known_failure(AccountsFile.load().account(account.id) or account, tenant)
            token = _next(account, tenant, salt)
        return token


def _raise_known_failure(account: Account, tenant: str) -> None:
    """Raise the failure of the last request while the next one is not due."""
    known = known_failure(account, tenant)
    if known is None:
        return
    if known.until is None:
        raise SignInError(known.message, known.hint)
    again = max(1, round(known.until - time.time()))
    raise NetworkError(f"{known.message}; the next request is due in {again} s", known.hint)


def known_failure(account: Account, tenant: str) -> Failure | None:
    """Return the failure of the last request while the next one is not due. Raise VaultError, VaultLocked."""
    known = failure_of(account, tenant, time.time())
    if known and known.until is None:
        entry = vaults.read(account.vault, account.key("refresh"))
        if entry and (number(entry.get("received_utc") or "") or 0) > known.since:  # an older version's setup
            return None
    return known


def tenant_for(account: Account, organization: AnyOrganization | None, accounts_file: AccountsFile) -> str:
    """Return the tenant whose token the organization accepts: learned, asked, else the account's. Raise ServiceError."""
    known = tokens.known_tenant(account, organization, None, accounts_file)
    if known is None and organization:
        with contextlib.suppress(NetworkError):  # a live token of the account's own tenant may do
            known = tokens.known_tenant(account, organization, find_tenant(organization), accounts_file)
    return account.tenant if known is None else known


def find_tenant(organization: AnyOrganization) -> str | None:
    """Return the tenant that the organization names: one request. Raise NetworkError, ServiceError."""
    from git_credential_azdo.devops import api  # noqa: PLC0415 - see the module's docstring
    from git_credential_azdo.web import HttpClient  # noqa: PLC0415

    with HttpClient(deadline.left(), allowed=api.origins_of(organization)) as web:
        return api.tenant_of(web, organization)


def accepts(organization: AnyOrganization, personal_access_token: str) -> bool:
    """Return whether the organization accepts the PAT for reading code: one request. Raise NetworkError, ServiceError."""
    from git_credential_azdo.devops import api  # noqa: PLC0415 - see the module's docstring
    from git_credential_azdo.web import HttpClient  # noqa: PLC0415

    with HttpClient(deadline.left(), allowed=api.origins_of(organization)) as web:
        try:
            api.check_code_scope(web, organization, api.basic(personal_access_token))
        except api.UnauthorizedError:
            return False
    return True


def _next(account: Account, tenant: str, salt: bytes) -> Token:
    from git_credential_azdo.signin.sign_in_errors import setup_again  # noqa: PLC0415 - see the module's docstring

    vault = vaults.open_vault(account.vault)
    try:
        if account.is_workload:
            return _write(account, tenant, _as_workload(account, tenant), salt)
        # From the vault that is written to, not by the faster reader: it is then loaded before the token must be saved.
        entry = payload.load(vault.read, account.key("refresh"))
    except ProtocolError as damaged:
        raise SignInError(damaged.message, setup_again(account)) from None
    if entry and entry.get("token"):
        return _by_refresh_token(account, tenant, entry, salt)
    raise SignInError(f"the sign-in of {account.label} is no longer in the vault", setup_again(account))


def _by_refresh_token(account: Account, tenant: str, entry: Message, salt: bytes) -> Token:
    """Request the next tokens and write them; signals are deferred in between, when the old refresh token may be invalid."""
    from git_credential_azdo.signin import sign_in_errors  # noqa: PLC0415 - see the module's docstring
    from git_credential_azdo.signin.authorities import request_token, saved_endpoint  # noqa: PLC0415

    block, old, from_origin = account.block, entry.get("token") or "", entry.get("origin")
    endpoint = saved_endpoint(block, from_origin, sign_in_errors.elsewhere(account, from_origin))
    asked = endpoint.for_tenant(tenant) if tenant else endpoint
    own = {"client_id": block.get("client_id"), "scope": block.get("scope")}
    with _asking(account, tenant) as web, deadline.defer_signals(lambda: web.answered):
        grant = request_token(web, asked, "refresh_token", refresh_token=old, **own)
        errors.step = "a file or the keyring did not accept the new token"
        token = _write(account, tenant, grant, salt, old=old)
        errors.step = ""
        return token


@contextlib.contextmanager
def _asking(account: Account, tenant: str) -> Iterator[HttpClient]:
    """Yield the client for one request for a token; note its failure, and raise it with a message for the user."""
    from git_credential_azdo.signin import oauth, sign_in_errors  # noqa: PLC0415 - see the module's docstring
    from git_credential_azdo.web import HttpClient  # noqa: PLC0415

    def remember(where: str, error: AzdoError, pause: float | None, *, is_foreign: bool = False) -> None:
        def change(accounts_file: AccountsFile) -> None:
            if is_foreign:
                accounts_file.forget_tenant(tenant)
            if current := accounts_file.account(account.id):
                mark_failure(current, where, error, int(time.time()), pause)

        with contextlib.suppress(AzdoError):  # the failure itself is the error to report
            update(change)

    with (
        HttpClient(deadline.left_for_request()) as web,
        deadline.continued_in_child(lambda: web.is_sent) as web.grace,
    ):
        try:
            yield web
        except oauth.OAuthError as refused:
            flags = sign_in_errors.flags_of(refused)
            error: AzdoError = sign_in_errors.busy_error(refused, account.label)
            if "transient" not in flags:
                asked, setup = tenant or account.tenant, sign_in_errors.setup_of(account)
                error = sign_in_errors.sign_in_error(refused, who=account.name, tenant=asked, setup=setup)
            is_foreign = "transient" not in flags and tenant not in {"", account.tenant}
            where = ANY if flags & {"permanent", "transient"} else tenant
            remember(where, error, None if "permanent" in flags else web.pause, is_foreign=is_foreign)
            raise error from None
        except (NetworkError, ServiceError, SignInError) as error:
            if web.pause is not None:  # else no server received it, and the cause may be fixed at once
                remember(ANY, error, web.pause)
            raise


def _as_workload(account: Account, tenant: str) -> Grant:
    from git_credential_azdo.signin import workload  # noqa: PLC0415 - see the module's docstring
    from git_credential_azdo.signin.authorities import saved_endpoint  # noqa: PLC0415
    from git_credential_azdo.signin.sign_in_errors import setup_command  # noqa: PLC0415

    def client_secret() -> str | None:
        entry = vaults.read(account.vault, account.key("client-secret"))
        if entry is None:
            return None
        saved_endpoint(account.block, entry.get("origin"), setup_command(account.block, elsewhere=True))
        return entry.get("secret")

    with _asking(account, tenant) as web:
        return workload.request_token(account.block, tenant, web, client_secret, os.environ)


def access_payload(grant: Grant, received: int) -> list[Pair]:
    """Return the vault entry of an access token; ``received``: seconds since the epoch."""
    end = received + grant.expires_in
    return [("token", grant.access_token), ("received_utc", str(received)), ("expires_utc", str(end))]


def refresh_payload(token: str, received: int, token_endpoint: str) -> list[Pair]:
    """Return the vault entry of a refresh token, bound to the origin that it may be sent to; ``received``: as above."""
    return [("token", token), ("received_utc", str(received)), ("origin", origin(token_endpoint))]


def _write(account: Account, tenant: str, grant: Grant, salt: bytes, *, old: str | None = None) -> Token:
    """Write the tokens of a grant into the vault, and the issued token into the accounts file; return the token."""
    now = int(time.time())
    token = Token(grant.access_token, now + grant.expires_in, tenant, digest(salt, grant.access_token))

    def change(accounts_file: AccountsFile) -> bool:
        current = accounts_file.account(account.id)
        if current is None:
            return False
        current.set_issued_tokens([IssuedToken(tenant, token.digest, now), *current.issued_tokens])
        clear_failures(current)
        return True

    try:
        if grant.refresh_token and grant.refresh_token != old:
            entry = refresh_payload(grant.refresh_token, now, account.block.get("token_endpoint"))
            vaults.write(account.vault, account.key("refresh"), entry)
        entry = [*access_payload(grant, now), ("digest", token.digest)]
        vaults.write(account.vault, account.access_key(tenant), entry)
        if not update(change):
            forget_secrets(account)  # logged out meanwhile
    except AzdoError as error:
        say("error", f"the new token of {account.label} could not be written: {error.message}")
    return token
