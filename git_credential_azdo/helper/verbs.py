"""The verbs that git calls: ``get``, ``store``, ``erase`` and ``capability``. The hot path.

Reads a message on stdin, answers on stdout once and at the end, and never asks a person anything. For a host that is
not ours it does nothing and loads nothing more. What only some requests need is imported where it is needed,
since git starts this program twice for every fetch. Contract: git's Documentation/git-credential.adoc and gitcredentials.adoc.
"""

from __future__ import annotations

import os

from git_credential_azdo import errors
from git_credential_azdo.errors import AzdoError, ProtocolError, SignInError, report, say
from git_credential_azdo.files import accounts_path, read_accounts
from git_credential_azdo.git.protocol import format_pairs, parse
from git_credential_azdo.git.target import target_of, tenant_in
from git_credential_azdo.inherited import TOKENS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.accounts.choice import Choice
    from git_credential_azdo.git.protocol import Message, Pair
    from git_credential_azdo.git.target import Target

_MAX_BYTES = 2**20
"""No message is longer: git passes at most 300 KB of a server's headers on (curl's limit for all of them), and a dozen
lines of its own and of other helpers, each of 64 KiB at the most."""


def run(verb: str) -> int:
    """Answer ``get``, ``store``, ``erase`` or ``capability``; return the exit code."""
    if verb == "capability":
        return 0 if _write(b"version 0\ncapability authtype\ncapability state\n") else 1
    try:
        message = _message()
        target = target_of(message) if message else None
        if message and target:
            _serve(verb, message, target)
    except AzdoError as error:
        report(error)
        if verb != "get":
            return 1
        _stop()
    return 0


def _serve(verb: str, message: Message, target: Target) -> None:
    if target.services and target.protocol != "https":
        _refuse_http(verb)
        return
    data = _accounts_file(target)
    ours = target.services or _concerns_pipeline(verb, message, target)
    # Whether the accounts file mentions the host at all shows before anything is loaded to read it.
    if not ours and target.host.encode("utf-8", "surrogateescape") not in data:
        return
    from git_credential_azdo.accounts.accounts_file import read  # noqa: PLC0415 - it is ours, or may be

    accounts_file = read(data)
    if target.host in accounts_file.services_hosts:  # a sovereign cloud's, for example
        target = accounts_file.target_of(message) or target
        if target.protocol != "https":
            _refuse_http(verb)
            return
    elif not ours and accounts_file.server(target.address) is None:
        return
    for _ in accounts_file.damaged:
        say("error", f"an entry of {accounts_path()} is damaged and was left alone")
    if verb == "get":
        _get(message, target, accounts_file)
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
        return b""  # hardly ever a registered server, and a line for every host would disturb


def _refuse_http(verb: str) -> None:
    if verb == "get":
        from git_credential_azdo import hints  # noqa: PLC0415 - for an error only

        raise AzdoError(
            "Azure DevOps was asked over http, where a token could be read on the way",
            f"use the same address with https://, for example by {hints.set_url()}",
        )


def _concerns_pipeline(verb: str, message: Message, target: Target) -> bool:
    """Return whether a token in the environment serves this server, registered or not, or comes back from it."""
    environment = _environment()
    if not environment:
        return False
    if verb == "get":
        return environment.variable_for(target, None, os.environ) is not None
    return environment.returned(target, message.get("password"), os.environ) is not None


def _get(message: Message, target: Target, accounts_file: AccountsFile) -> None:
    try:
        _get_once(message, target, accounts_file)
    except SignInError:
        from git_credential_azdo.accounts.accounts_file import read  # noqa: PLC0415 - loaded already

        fresh = read(read_accounts())
        if {each.id for each in accounts_file.accounts} <= {each.id for each in fresh.accounts}:
            raise
        _get_once(message, target, fresh)  # an account was set up anew meanwhile, under another id


def _get_once(message: Message, target: Target, accounts_file: AccountsFile) -> None:
    from git_credential_azdo.accounts import choice as rules  # noqa: PLC0415 - it is ours

    challenges = message.all("wwwauth[]")
    tenant = tenant_in(challenges) if target.services else None
    choice = rules.choose(target, tenant, accounts_file)
    environment = _environment()
    if environment:
        for problem in environment.problems(os.environ) if not choice.user else ():
            say("hint", problem)
        variable = environment.variable_for(target, choice, os.environ)
        if variable:
            from git_credential_azdo.helper.answer import Credential  # noqa: PLC0415 - only with such a variable

            _answer(Credential("azdo", environment.token_in(variable, os.environ)).lines(message))
            return
    asked = bool(challenges)
    organization = choice.organization
    if target.services and not asked and organization and _tenant_would_decide(choice, accounts_file):
        from git_credential_azdo import refresh  # noqa: PLC0415 - an older git, and several accounts

        tenant, asked = refresh.find_tenant(organization), True
        choice = rules.choose(target, tenant, accounts_file)
    if choice.account:
        from git_credential_azdo.helper import answer  # noqa: PLC0415 - there is an account to ask

        credential = answer.credential_for(
            choice.account, organization, tenant, accounts_file, asked=asked, confirmed=choice.deliberate
        )
        _answer(credential.lines(message))
        _apply(credential.change)
    elif not target.services and choice.outcome != rules.AMBIGUOUS:
        from git_credential_azdo.helper import stored  # noqa: PLC0415 - only for servers

        _answer(stored.find_for_server(message, target, accounts_file))
    else:
        from git_credential_azdo.helper import reasons, stored  # noqa: PLC0415 - without an account only

        lines = stored.lines_of(message, choice.stored) if choice.stored else []
        if lines:
            _answer(lines)
        elif reasons.explain(choice, message):
            _stop()


def _tenant_would_decide(choice: Choice, accounts_file: AccountsFile) -> bool:
    """Return whether the organization's tenant, which git did not pass on, decides between the accounts."""
    from git_credential_azdo.accounts import choice as rules  # noqa: PLC0415 - loaded already, for _get

    return (
        choice.outcome in {rules.CHOSEN, rules.AMBIGUOUS}
        and not choice.deliberate
        and len(choice.candidates) > 1
        and accounts_file.tenant_of(choice.organization) is None
    )


def _store(message: Message, target: Target, accounts_file: AccountsFile) -> None:
    from git_credential_azdo.helper import issued  # noqa: PLC0415 - only for store and erase

    returned = issued.recognize(message, accounts_file)
    if returned:
        _apply(issued.approve(returned, target, accounts_file))
    elif not _variable_of(message, target):
        from git_credential_azdo.helper import stored  # noqa: PLC0415 - not an issued token

        stored.store(message, target, accounts_file)


def _erase(message: Message, target: Target, accounts_file: AccountsFile) -> None:
    from git_credential_azdo.helper import issued  # noqa: PLC0415 - only for store and erase

    returned = issued.recognize(message, accounts_file)
    variable = _variable_of(message, target)
    if returned or variable or accounts_file.accounts:
        from git_credential_azdo.helper import reasons  # noqa: PLC0415 - reads git's configuration

        returned = returned or reasons.unmarked(message, target, accounts_file)
        if (returned or variable) and reasons.is_explained_by_header(message):
            return
    if returned:
        if not _apply(reasons.change(returned, message, target, accounts_file)):
            reasons.drop(returned)
    elif variable:
        say("error", f"the token in the environment variable {variable} was rejected")
    else:
        from git_credential_azdo.helper import stored  # noqa: PLC0415 - not an issued token

        stored.erase(message, target, accounts_file)


def _environment() -> ModuleType | None:
    """Return the module that knows tokens in the environment; None where no such variable is set."""
    if not any(name in os.environ for name in TOKENS):
        return None
    from git_credential_azdo.accounts import environment  # noqa: PLC0415 - only with such a variable

    return environment


def _variable_of(message: Message, target: Target) -> str | None:
    """Return the variable whose token comes back, or None."""
    environment = _environment()
    return environment.returned(target, message.get("password"), os.environ) if environment else None


def _apply(change: Callable[[AccountsFile], object] | None) -> bool:
    """Write a change of the accounts file; return whether it could be. A failure is reported: git has its answer already."""
    if change is None:
        return True
    from git_credential_azdo.accounts.update import update  # noqa: PLC0415 - hardly any request changes anything

    try:
        update(change)
    except AzdoError as error:
        report(error)
        return False
    return True


def _stop() -> None:
    """Answer that git is to stop asking: its own prompt has no useful answer. With AZDO_YIELD git goes on."""
    if not os.environ.get("AZDO_YIELD"):
        _answer([("quit", "1")])


def _answer(pairs: list[Pair]) -> None:
    _write(format_pairs(pairs))


def _message() -> Message | None:
    """Read a message from stdin; None for one that is not git's. Raise AzdoError for one without an end."""
    errors.step = "the message on stdin did not end"
    data = _read()
    errors.step = ""
    try:
        return parse(data)
    except ProtocolError:
        return None


def _read() -> bytes:
    """Read from stdin to a blank line, or to its end. A closed stdin is an empty one. Raise AzdoError."""
    data = bytearray()
    try:
        while chunk := os.read(0, 65_536):
            start = max(0, len(data) - 2)  # a blank line may have begun in what came before
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
    """Write the whole answer, if none was begun; return whether it was written. git believes even a part of one."""
    if not errors.claim_answer():
        return False
    errors.step = "the answer was not read"
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError as error:
        if not errors.reader_is_gone(error):  # else git ended before
            say("error", f"cannot write the answer: {error.strerror}")
        return False
    errors.step = ""
    return True
