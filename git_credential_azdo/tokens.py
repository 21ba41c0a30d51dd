"""A live token for an account and tenant: from the vault, else by one refresh under the account's lock.

It never asks a person anything and never deletes a refresh token or a PAT, whatever a server says. While a token
lives it opens no network socket. Everything that only a refresh needs is imported when a refresh is due, since
almost every ``get`` finds a live token.
"""

from __future__ import annotations

import os
import time

from git_credential_azdo import deadline
from git_credential_azdo.accounts.account import WORKLOAD_KINDS, number
from git_credential_azdo.errors import ProtocolError, SignInError, VaultError
from git_credential_azdo.git.target import is_tenant
from git_credential_azdo.vault.payload import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_credential_azdo.accounts.account import Account, IssuedToken
    from git_credential_azdo.git.protocol import Message, Pair
    from git_credential_azdo.git.target import AnyOrganization
    from git_credential_azdo.vault.file import FileVault
    from git_credential_azdo.vault.none import NoVault
    from git_credential_azdo.vault.system import KeyringVault

    Vault = FileVault | KeyringVault | NoVault

SECRET_SERVICE = "keyring.backends.SecretService.Keyring"  # noqa: S105 - a class's name
SERVICE = "git-credential-azdo"
READ_SECONDS = 10.0
LEAST_CALL_SECONDS = 5.0
"""What a keyring gets at the least, however late it is: to write the token in hand is worth the wait."""
MIN_REMAINING_SECONDS = 300
"""A token with less life left than this is not handed out: a clone takes a while."""


class Token:
    """A secret to hand to git; ``expires_utc`` in seconds since the epoch, None when it has no end."""

    __slots__ = ("digest", "expires_utc", "secret", "tenant")

    def __init__(self, secret: str, expires_utc: int | None, tenant: str, digest: str) -> None:
        self.secret = secret
        self.expires_utc = expires_utc
        self.tenant = tenant
        self.digest = digest

    def __repr__(self) -> str:
        return f"Token(expires_utc={self.expires_utc}, tenant={self.tenant!r})"


def read_secret(vault: str, key: str) -> Message | None:
    """Read what the named vault keeps under ``key``. Raises VaultError, VaultLocked."""
    if vault == SECRET_SERVICE:
        from git_credential_azdo.vault import secret_service  # noqa: PLC0415 - only for this vault

        seconds = min(READ_SECONDS, deadline.left())
        try:
            return load(lambda entry: secret_service.read(SERVICE, entry, seconds), key)
        except secret_service.TimeUp:  # to ask keyring would only be to wait again
            from git_credential_azdo import hints  # noqa: PLC0415 - for an error only

            raise VaultError(f"the keyring did not answer in {seconds:.0f} seconds", hints.unlock()) from None
        except secret_service.NotOurs:
            pass  # keyring knows the odd cases
    return load(open_vault(vault).read, key)


def open_vault(name: str) -> Vault:
    """Return the vault of this name, to read and to write. Raises VaultError."""
    if name == "file":
        from git_credential_azdo.vault.file import FileVault  # noqa: PLC0415 - only for this vault

        return FileVault()
    if name == "none":
        from git_credential_azdo.vault.none import NoVault  # noqa: PLC0415 - only for this vault

        return NoVault()
    from git_credential_azdo.vault.system import open_named  # noqa: PLC0415 - loads keyring

    return open_named(name, seconds=max(LEAST_CALL_SECONDS, deadline.left()))


def find_any_vault() -> str:
    """Return the name of the first keyring that works here. Raises VaultError, VaultLocked."""
    from git_credential_azdo.vault.system import find  # noqa: PLC0415 - loads keyring

    return find().name


def write_secret(vault: Vault, key: str, pairs: Iterable[Pair]) -> None:
    """Keep a secret. Raises VaultError; the old one is then still whole."""
    from git_credential_azdo.vault.payload import save  # noqa: PLC0415 - beside its only use

    save(vault.read, vault.write, vault.delete, key, pairs, generation=os.urandom(4).hex(), limit=vault.limit)


def access_key(account: Account, tenant: str) -> str:
    """Return the vault's key of the account's access token for the tenant."""
    return f"{account.id}/access/{tenant if is_tenant(tenant) else 'home'}"


def personal_access_token(account: Account) -> Token:
    """Return the PAT of the account. Raises VaultError, SignInError when it is gone."""
    kept = read_secret(account.vault, f"{account.id}/pat")
    secret = kept.get("token") if kept else None
    if not secret:
        raise SignInError(f"the token of {account.label} is no longer in the vault", setup_hint(account))
    marks = account.marks
    return Token(secret, account.expires_utc, "", marks[0].digest if marks else "")


def access_token(account: Account, tenant: str, salt: bytes) -> Token:
    """Return an access token of the account for the tenant, with some life left; refresh it if need be.

    ``salt`` is the accounts file's, for the new token's digest.
    Raises VaultError, VaultLocked, NetworkError, SignInError (a person must sign in again), ServiceError.
    """
    marks = account.marks
    token = _usable(account, tenant, marks)
    if token:
        return token
    return _refreshed(account, tenant, marks, salt)


def ask_tenant(organization: AnyOrganization) -> str | None:
    """Ask Azure DevOps for the organization's tenant: one request, for a git that did not pass it on (before 2.41)."""
    from git_credential_azdo.refresh import find_tenant  # noqa: PLC0415 - loads httpx

    return find_tenant(organization, deadline.left())


def is_accepted(organization: AnyOrganization, personal_token: str) -> bool:
    """Ask the organization whether it takes this PAT: one request, after it refused it once. Raises NetworkError."""
    from git_credential_azdo.refresh import takes_token  # noqa: PLC0415 - loads httpx

    return takes_token(organization, personal_token, deadline.left())


def setup_hint(account: Account) -> str:
    """Return the command that signs this account in again."""
    from git_credential_azdo import hints  # noqa: PLC0415 - for an error only

    if account.kind in WORKLOAD_KINDS:
        from git_credential_azdo.accounts.workload import setup_command  # noqa: PLC0415 - for an error only

        return setup_command(account.block)
    if account.kind == "pat":
        named = account.organizations
        return hints.setup_pat(*named) if named else hints.setup()
    from git_credential_azdo.refresh import setup_options  # noqa: PLC0415 - for an error only

    return hints.setup(login_hint=account.name, more=setup_options(account))


def _usable(
    account: Account, tenant: str, marks: list[IssuedToken], since: float | None = None
) -> Token | None:
    """Return the kept token if it may be handed out: not dropped, and with enough life or received after ``since``."""
    try:
        kept = read_secret(account.vault, access_key(account, tenant))
    except ProtocolError:  # a damaged entry: the next token replaces it
        return None
    secret = kept.get("token") if kept else None
    if not kept or not secret:
        return None
    digest = kept.get("digest") or ""
    if any(mark.dropped and mark.digest == digest for mark in marks):
        return None
    now = time.time()
    received, expires = number(kept.get("received_utc") or ""), number(kept.get("expires_utc") or "")
    if received is None or expires is None:
        return None
    if received > now + 1:  # the clock was set back: what we know of the token's life is worth nothing
        return None
    just_made = since is not None and received >= since and expires > now
    if expires - now < MIN_REMAINING_SECONDS and not just_made:
        return None
    return Token(secret, expires, tenant, digest)


def _refreshed(account: Account, tenant: str, marks: list[IssuedToken], salt: bytes) -> Token:
    from git_credential_azdo.lock import Busy, Lock  # noqa: PLC0415
    from git_credential_azdo.paths import lock_path  # noqa: PLC0415 - see the module's docstring

    asked = int(time.time())
    lock = Lock(lock_path(account.id), deadline.left())
    try:
        lock.__enter__()
    except Busy as busy:
        raise VaultError(f"{busy.message} to refresh the token of {account.label}", "try again") from None
    except OSError:  # a read-only home has no place for the lock; at worst two of us refresh
        return _renewed(account, tenant, salt)
    try:
        return _usable(account, tenant, marks, since=asked) or _renewed(account, tenant, salt)
    finally:
        lock.__exit__(None, None, None)


def _renewed(account: Account, tenant: str, salt: bytes) -> Token:
    if account.kind in WORKLOAD_KINDS:
        from git_credential_azdo.refresh_workload import renew  # noqa: PLC0415 - loads httpx, and theirs
    else:
        from git_credential_azdo.refresh import renew  # noqa: PLC0415 - loads httpx; whoever waited needs none
    return renew(account, tenant, salt, deadline.left())
