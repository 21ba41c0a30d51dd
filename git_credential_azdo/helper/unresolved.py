"""The line for a ``get`` without a credential: why there is none, and the command that cures it."""

from __future__ import annotations

import os

from git_credential_azdo import hints
from git_credential_azdo.accounts import choice as rules
from git_credential_azdo.accounts import environment
from git_credential_azdo.accounts.environment import PERSONAL_TOKEN, PIPELINE_TOKEN
from git_credential_azdo.accounts.naming import unique_name
from git_credential_azdo.errors import UsageError, say
from git_credential_azdo.git.target import may_repeat
from git_credential_azdo.paths import no_account

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.choice import Choice
    from git_credential_azdo.git.protocol import Message


def explain(choice: Choice, request: Message | None = None) -> bool:
    """Report it on stderr; return whether git is to stop asking. ``request``: git's, which names the user."""
    organization = choice.organization
    names = [unique_name(account, choice.candidates) for account in choice.candidates]
    cures = settle(choice)
    if choice.outcome == rules.UNKNOWN_USER and request:
        where, removal = user_source(request)
        is_person = "@" in (choice.user or "")
        cures = [f"{cures[0]}, or {removal}" if is_person else f"{where} names that user: {removal}"]
    if choice.outcome == rules.AMBIGUOUS:
        where = f"the organization {organization}" if organization else choice.candidates[0].place
        say("error", f"several accounts fit {where}: {', '.join(names)}")
        if organization is None:
            cures[0] = f"git sent no path, so the organization is unknown: {cures[0]}"
    elif choice.outcome == rules.UNKNOWN_USER:
        known = f"; known are {', '.join(names)}" if names else ""
        user = choice.user or ""
        if may_repeat(user):
            say("error", f"no account is named {user}{known}")
        else:
            say("error", f"the address holds what looks like a token where git expects a user{known}")
    elif choice.outcome == rules.NOT_COVERED:
        say("error", f"no account covers the organization {organization}; known are {', '.join(names)}")
    else:  # A stored credential was found, but it has expired or this git cannot use it.
        is_none = choice.outcome == rules.STORED_CREDENTIAL or choice.reason == rules.NO_ACCOUNT
        cures = [no_account(cures[0]) if is_none else f"{choice.reason}: {cures[0]}"]
    for cure in cures:
        say("hint", cure)
    return choice.outcome == rules.AMBIGUOUS


def user_source(request: Message) -> tuple[str, str]:
    """Return what names the user to git, and what takes it away."""
    from git_credential_azdo.git import address, config, urlmatch  # noqa: PLC0415 - reads git's configuration

    parts = urlmatch.Partial(*map(request.get, ("protocol", "username", "host", "path")))
    try:
        entries = config.read_config()
    except UsageError:
        entries = []
    return address.user_source(entries, parts)


def settle(choice: Choice) -> list[str]:
    """Return the commands of which one lets an account answer."""
    if choice.outcome != rules.AMBIGUOUS:
        if not choice.user and (system := environment.system(os.environ)):
            own = environment.collection(os.environ)
            is_own = system == "Azure Pipelines" and own and choice.organization in {None, own.organization}
            return [hints.token_variable(system, PIPELINE_TOKEN if is_own else PERSONAL_TOKEN)]
        user = choice.user or ""
        login_hint = user if "@" in user and may_repeat(user) else ""
        return [hints.setup(choice.organization or "", login_hint=login_hint)]
    names = [unique_name(account, choice.candidates) for account in choice.candidates]
    if choice.organization is None:
        return [hints.use_http_path(choice.candidates[0].address), hints.use(names[0], default=True)]
    return [hints.use(name, choice.organization) for name in names]
