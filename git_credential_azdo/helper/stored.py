"""Stored credentials: what the user typed at git's prompt and git passed to ``store``. Matching follows git's own rules.

For a registered server they are found by protocol, host, path and user; for Azure DevOps Services by organization and
user, and nothing is stored where an account answers. Rules: git's credential.c (credential_match), and what git's
t/lib-credential.sh requires of a helper.
"""

from __future__ import annotations

import os
import time

from git_credential_azdo.accounts.account import STATE_PREFIX, STORED, Block, number
from git_credential_azdo.accounts.accounts_file import AccountsFile, StoredCredential
from git_credential_azdo.accounts.choice import (
    AMBIGUOUS,
    CHOSEN,
    Choice,
    choose,
    matching_stored,
    organization_and_user,
)
from git_credential_azdo.errors import ProtocolError, UsageError, looks_like_token
from git_credential_azdo.git.target import AnyOrganization, Target
from git_credential_azdo.vault import vaults

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.git.protocol import Message, Pair

_SECRET_KEYS = ("password", "oauth_refresh_token", "authtype", "credential")


def matching(choice: Choice, target: Target, accounts_file: AccountsFile) -> list[StoredCredential]:
    """Return the stored credentials that may answer where no account does, in the order to try them."""
    if target.services or choice.outcome == AMBIGUOUS:
        return [choice.stored] if choice.stored else []
    return matching_stored(target, None, target.user, accounts_file.stored_credentials)


def lines_of(message: Message, credential: StoredCredential) -> list[Pair]:
    """Return the lines of a stored credential's answer; none if it has expired or this version of git cannot use it."""
    if credential.expires_utc is not None and credential.expires_utc <= time.time():
        return []
    payload = _read(credential)
    if payload is None:
        return []
    user = payload.get("username") if credential.user_in_vault else credential.user
    if credential.user_in_vault and message.get("username") not in {None, user}:
        return []
    lines: list[Pair] = []
    if payload.get("credential") is not None:
        if "authtype" not in message.all("capability[]"):
            return []
        lines.append(("capability[]", "authtype"))
    if user is not None and message.get("username") is None:
        lines.append(("username", user))
    lines += [pair for pair in payload.fields.items() if pair[0] != "username"]
    if credential.expires_utc is not None:
        lines.append(("password_expiry_utc", str(credential.expires_utc)))
    return lines


def store(message: Message, target: Target, accounts_file: AccountsFile) -> None:
    """Store a credential that worked. Raise VaultError, VaultLocked."""
    secret = _secret_of(message)
    expires = message.get("password_expiry_utc") or ""
    end = number(expires)
    if secret is None or (end is not None and end <= time.time()):
        return
    organization = None
    if target.services:
        organization, _ = organization_and_user(target, accounts_file)
        # Where an account answers, for any user, this credential came from another helper, which keeps it.
        any_user = Target(
            target.protocol,
            target.host,
            services=True,
            organization=organization,
            repository=target.repository,
        )
        if choose(any_user, None, accounts_file).outcome in {CHOSEN, AMBIGUOUS}:
            return
    block = block_of(target, organization)
    block.set("expires_utc", expires or None)
    before = _alike(accounts_file, block)
    if before and before.block.get("expires_utc") == expires:
        payload = _read(before)
        if payload and list(payload.fields.items()) == secret:
            return
    if _is_of_another_helper(message, target):
        return
    _write(block, secret)


def _read(credential: StoredCredential) -> Message | None:
    """Return its entry in the vault; None also for a damaged one, which the next credential that works replaces."""
    try:
        return vaults.read(credential.vault, credential.key)
    except ProtocolError:
        return None


def is_access_token(secret: str) -> bool:
    """Return whether a secret has the form of Entra's access tokens (RFC 7515 section 3.1), which expire within hours."""
    return secret.startswith("eyJ") and secret.count(".") == 2  # noqa: PLR2004 - three parts


def _is_of_another_helper(message: Message, target: Target) -> bool:
    """Return whether another helper supplied the secret, or has it already: git passes what worked to every helper."""
    if not all(state.startswith(STATE_PREFIX) for state in message.all("state[]")):
        return True
    if target.services and is_access_token(message.get("password") or ""):
        return True
    # A helper that git calls before this one either supplied the secret or has just been asked to store it.
    from git_credential_azdo.git import address, config  # noqa: PLC0415 - only for a new secret

    try:
        helpers = config.helpers_for(config.read_config(), address.compose(address.parts_of(message)))
    except UsageError:
        return False
    return any(helper.ours for helper in helpers) and not helpers[0].ours


def _write(block: Block, secret: list[Pair]) -> None:
    """Write the block before a new secret: a block without its secret is not used, and the next ``store`` completes it."""
    from git_credential_azdo.accounts.update import holding_lock, update  # noqa: PLC0415 - a new secret is rare

    with holding_lock(STORED):  # two at once would not see each other's secret
        accounts_file = AccountsFile.load()
        before = _alike(accounts_file, block)
        vault_name = before.vault if before else accounts_file.header.get("vault") or vaults.find(None)
        block.set("id", before.id if before else os.urandom(6).hex())
        block.set("vault", vault_name)
        update(lambda fresh: put(fresh, block, vault_name))
        try:
            vaults.write(vault_name, StoredCredential(block).key, secret)
        except BaseException:
            if not before:
                update(lambda fresh: fresh.forget(block.get("id")))
            raise


def erase(message: Message, target: Target, accounts_file: AccountsFile) -> None:
    """Remove the credentials that match the request, including its secret, if it has one. Raise VaultError, VaultLocked."""
    if not _matching(target, accounts_file):
        return
    from git_credential_azdo.accounts.update import holding_lock, update  # noqa: PLC0415 - as above

    with holding_lock(STORED):  # a concurrent store may write the next secret
        gone = []
        for credential in _matching(target, AccountsFile.load()):
            keys = ("password", "credential", *(("username",) if credential.user_in_vault else ()))
            wanted = [(key, value) for key in keys if (value := message.get(key)) is not None]
            payload = _read(credential) if wanted else None
            if wanted and (payload is None or any(payload.get(key) != value for key, value in wanted)):
                continue
            gone.append(credential)

        def change(fresh: AccountsFile) -> None:
            # Under the lock of the accounts file: if it cannot be changed, no secret is removed.
            for credential in gone:
                vaults.remove(credential.vault, credential.key)
                fresh.forget(credential.id)

        if gone:
            update(change)


def _matching(target: Target, accounts_file: AccountsFile) -> list[StoredCredential]:
    organization, user = organization_and_user(target, accounts_file)
    return matching_stored(target, organization, user, accounts_file.stored_credentials)


def _secret_of(message: Message) -> list[Pair] | None:
    """Return the lines to store, or None when the message has nothing that may be stored."""
    if message.get("ephemeral") not in {None, "0", "false"}:
        return None
    has_password = message.get("username") is not None and message.get("password") is not None
    if not has_password and not (message.get("authtype") and message.get("credential")):
        return None
    keys = (*_SECRET_KEYS, *(("username",) if looks_like_token(message.get("username") or "") else ()))
    return [(key, value) for key in keys if (value := message.get(key)) is not None]


def block_of(target: Target, organization: AnyOrganization | None) -> Block:
    """Return a new block, without id and vault, for a credential of this target."""
    block = Block([("kind", STORED), ("address", target.address)])
    if target.services:
        block.set("organization", organization)
    else:
        block.set("path", target.path)
    if looks_like_token(target.user or ""):
        block.set("user_in_vault", "1")
    else:
        block.set("username", target.user)
    return block


def _identity(block: Block) -> list[str | None]:
    keys = ("kind", "address", "organization", "path")
    user = StoredCredential(block).user
    if block.has("user_in_vault") or looks_like_token(user or ""):  # as 0.1.0 wrote it
        user = "\0"  # never a user's name
    return [*(block.get(key) if block.has(key) else None for key in keys), user]


def _alike(accounts_file: AccountsFile, block: Block) -> StoredCredential | None:
    wanted = _identity(block)
    return next((each for each in accounts_file.stored_credentials if _identity(each.block) == wanted), None)


def put(accounts_file: AccountsFile, block: Block, vault_name: str) -> None:
    """Add the block to the accounts file, replacing one for the same target."""
    replaced = _identity(block)
    accounts_file.blocks = [each for each in accounts_file.blocks if _identity(each) != replaced]
    accounts_file.blocks.append(block)  # at the end: the newest is found first
    if not accounts_file.header.get("vault"):
        accounts_file.header.set("vault", vault_name)
