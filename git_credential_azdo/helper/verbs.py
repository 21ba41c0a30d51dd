"""The verbs that git calls: ``get``, ``store``, ``erase`` and ``capability``. The hot path.

Reads a message from stdin, writes the answer to stdout once, at the end, and must never prompt the user. For a host that
is not ours it does nothing and loads nothing more: git starts this program twice for every fetch. ``answer`` handles
``get``; ``store`` and ``erase`` recognize the tokens that this program issued by their digests, without the vault.
Contract: git's Documentation/git-credential.adoc and gitcredentials.adoc.
"""

from __future__ import annotations

import os

from git_credential_azdo import errors
from git_credential_azdo.errors import AzdoError, ProtocolError, report, say
from git_credential_azdo.files import accounts_path, read_accounts
from git_credential_azdo.git.protocol import Message, format_pairs, parse
from git_credential_azdo.git.target import Target, target_of
from git_credential_azdo.inherited import has_token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.accounts_file import AccountsFile, Change, Returned

_MAX_BYTES = 2**20
"""No message is longer: git passes on at most 300 KB of a server's headers (curl's limit for all of them), and a dozen
lines of its own and of other helpers, each of at most 64 KiB."""


def run(verb: str) -> int:
    """Answer ``get``, ``store``, ``erase`` or ``capability``; return the exit code."""
    if verb == "capability":
        return 0 if _write(b"version 0\ncapability authtype\ncapability state\n") else 1
    try:
        message = _message()
        target = target_of(message) if message else None
        errors.trace(f"{verb} for {target.address if target else 'no web host'}")
        if message and target:
            _serve(verb, message, target)
    except AzdoError as error:
        report(error)
        if verb != "get":
            return 1
        _stop()
    return 0


def _serve(verb: str, message: Message, target: Target) -> None:
    if target.services and _is_insecure(verb, target):
        return
    data = _accounts_file(target)
    ours = target.services or _variable_of(verb, message, target) is not None
    # Whether the accounts file mentions the host at all can be seen without loading its parser.
    if not ours and target.host.encode("utf-8", "surrogateescape") not in data:
        return
    from git_credential_azdo.accounts.accounts_file import read  # noqa: PLC0415 - it is ours, or may be

    accounts_file = read(data)
    if target.host in accounts_file.services_hosts:  # a sovereign cloud's, for example
        target = accounts_file.target_of(message) or target
        if _is_insecure(verb, target):
            return
    elif not ours and accounts_file.server(target.address) is None:
        return
    for _ in accounts_file.damaged:
        say("error", f"an entry of {accounts_path()} is damaged and was left alone")
    if verb == "get":
        from git_credential_azdo.helper import answer  # noqa: PLC0415 - as above

        lines, change = answer.get(message, target, accounts_file)
        errors.trace(f"answer: {', '.join(key for key, _ in lines or ()) or 'none'}")
        if lines is None:
            _stop()
        else:
            _write(format_pairs(lines))
        _apply(change)
    elif verb == "store":
        _store(message, target, accounts_file)
    else:
        _erase(message, target, accounts_file)


def _accounts_file(target: Target) -> bytes:
    try:
        return read_accounts()
    except AzdoError:
        if target.services:
            raise
        return b""  # hardly ever a registered server, and a line for every host would be noise


def _is_insecure(verb: str, target: Target) -> bool:
    """Return whether a request for Azure DevOps is over http. Raise AzdoError if it is a ``get``."""
    if target.protocol != "https" and verb == "get":
        from git_credential_azdo import hints  # noqa: PLC0415 - for an error only

        raise AzdoError(
            "Azure DevOps was asked over http, where a token could be intercepted",
            f"use the same address with https://, for example by {hints.set_url()}",
        )
    return target.protocol != "https"


def _store(message: Message, target: Target, accounts_file: AccountsFile) -> None:
    """Note that a credential worked; store it if the user typed it. Raise VaultError, VaultLocked, AzdoError."""
    returned = recognize(message, accounts_file)
    if returned:
        _apply(approve(returned, target, accounts_file))
    elif not _variable_of("store", message, target):
        from git_credential_azdo.helper import stored  # noqa: PLC0415 - not an issued token

        stored.store(message, target, accounts_file)


def _erase(message: Message, target: Target, accounts_file: AccountsFile) -> None:
    """Note that a token was rejected, and why, or remove a stored credential. Raise VaultError, VaultLocked, AzdoError."""
    returned = recognize(message, accounts_file)
    variable = _variable_of("erase", message, target)
    if returned or variable or accounts_file.accounts:
        from git_credential_azdo.helper import reasons  # noqa: PLC0415 - reads git's configuration

        returned = returned or reasons.unnoted_token(message, target, accounts_file)
        if (returned or variable) and reasons.is_explained_by_header(message):
            return
    if returned:
        if not _apply(reasons.reject(returned, message, target, accounts_file)):
            reasons.drop(returned)
    elif variable:
        say("error", f"the token in the environment variable {variable} was rejected")
    else:
        from git_credential_azdo.helper import stored  # noqa: PLC0415 - not an issued token

        stored.erase(message, target, accounts_file)


def _variable_of(verb: str, message: Message, target: Target) -> str | None:
    """Return the variable with a token for this server, registered or not; in ``store`` and ``erase``, the one returned."""
    if not has_token():
        return None
    from git_credential_azdo.accounts import environment  # noqa: PLC0415 - only with such a variable

    if verb == "get":
        return environment.variable_for(target, None, os.environ)
    return environment.returned(target, message.get("password"), os.environ)


def recognize(message: Message, accounts_file: AccountsFile) -> Returned | None:
    """Return the account and its issued token that the message holds; None if its secret is not one of ours.

    git passes our ``state[]`` back even when it used another helper's secret, so a state counts only if its digest is
    that of the secret. A token known only by its state is an old one: its time of receipt is set to 0.
    """
    secret = message.get("password") or message.get("credential")
    if not secret or not accounts_file.salt:
        return None
    from git_credential_azdo.accounts.account import STATE_PREFIX, IssuedToken, digest  # noqa: PLC0415 - it is ours

    ours = digest(accounts_file.salt, secret)
    for account in accounts_file.accounts:
        token = account.issued_token(ours)
        if token:
            errors.trace(f"an issued token of {account.label}")
            return account, token
    for state in message.all("state[]"):
        if state.startswith(STATE_PREFIX):
            identifier, _, rest = state.removeprefix(STATE_PREFIX).partition(":")
            tenant, _, of_state = rest.partition(":")
            account_then = accounts_file.account(identifier)
            if account_then and of_state == ours:
                return account_then, IssuedToken(tenant, ours, 0)
    return None


def approve(returned: Returned, target: Target, accounts_file: AccountsFile) -> Change | None:
    """Return the change for a token that worked: its rejection is cleared, the tenant learned. None if nothing changes."""
    from git_credential_azdo.accounts.choice import organization_and_user  # noqa: PLC0415 - as above

    account, token = returned
    organization, _ = organization_and_user(target, accounts_file)
    is_new = bool(token.tenant and organization) and accounts_file.tenant_of(organization) != token.tenant
    if account.rejected_at(organization) is None and not is_new:
        return None

    def change(fresh: AccountsFile) -> None:
        current = fresh.account(account.id)
        if current:
            current.set_rejected(organization, None)
        if is_new and organization:
            fresh.learn(organization, token.tenant)

    return change


def _apply(change: Change | None) -> bool:
    """Make a change to the accounts file; return whether that worked. A failure is reported: git already has its answer."""
    if change is None:
        return True
    from git_credential_azdo.accounts.update import update  # noqa: PLC0415 - hardly ever

    try:
        update(change)
    except AzdoError as error:
        report(error)
        return False
    return True


def _stop() -> None:
    """Answer ``quit=1``, so that git stops asking: its own prompt would be of no use. With AZDO_YIELD, git continues."""
    if not os.environ.get("AZDO_YIELD"):
        _write(b"quit=1\n")


def _message() -> Message | None:
    """Return the message on stdin; None for one that git would not send. Raise AzdoError for one that is too long."""
    errors.step = "the message on stdin did not end"
    data = _read()
    errors.step = ""
    try:
        return parse(data)
    except ProtocolError:
        return None


def _read() -> bytes:
    """Read from stdin up to a blank line, or to its end. A closed stdin counts as empty. Raise AzdoError."""
    data = bytearray()
    try:
        while chunk := os.read(0, 65_536):
            start = max(0, len(data) - 2)  # a blank line may have begun in the previous chunk
            data += chunk
            if (
                data.startswith((b"\n", b"\r\n"))
                or data.find(b"\n\n", start) >= 0
                or data.find(b"\n\r\n", start) >= 0
            ):
                break  # the caller may wait for the answer with the pipe still open
            if len(data) > _MAX_BYTES:
                raise AzdoError(f"the message on stdin is longer than {_MAX_BYTES // 1024} KiB")
    except OSError:
        return b""
    return bytes(data)


def _write(data: bytes) -> bool:
    """Write the whole answer, if none was begun; return whether it was written. git uses even a part of an answer."""
    if not errors.claim_answer():
        return False
    errors.step = "git did not read the answer"
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError as error:
        if not errors.reader_is_gone(error):  # else git has already ended
            say("error", f"cannot write the answer: {error.strerror}")
        return False
    errors.step = ""
    return True
