"""The line for a ``get`` without a credential: why there is none, and the command that cures it."""

from __future__ import annotations

from git_credential_azdo import hints
from git_credential_azdo.accounts import choice as rules
from git_credential_azdo.accounts.naming import unique_name
from git_credential_azdo.errors import say
from git_credential_azdo.git.target import may_repeat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.choice import Choice


def explain(choice: Choice) -> bool:
    """Report it on stderr; return whether git is to stop asking."""
    organization = choice.organization
    names = [unique_name(account, choice.candidates) for account in choice.candidates]
    if choice.outcome == rules.AMBIGUOUS:
        where = f"the organization {organization}" if organization else choice.candidates[0].place
        say("error", f"several accounts fit {where}: {', '.join(names)}")
        if organization is None:
            address = choice.candidates[0].address
            say("hint", f"git sent no path, so the organization is unknown: {hints.use_http_path(address)}")
            say("hint", hints.use(names[0], default=True))
            return True
        for name in names:
            say("hint", hints.use(name, organization))
        return True
    if choice.outcome == rules.UNKNOWN_USER:
        known = f"; known are {', '.join(names)}" if names else ""
        user = choice.user or ""
        if may_repeat(user):
            say("error", f"no account is named {user}{known}")
        else:
            say("error", f"the address holds what looks like a token where git expects a user{known}")
        say("hint", _setup(choice))
        return False
    if choice.outcome == rules.NOT_COVERED:
        say("error", f"no account covers the organization {organization}; known are {', '.join(names)}")
        say("hint", _setup(choice))
        return False
    # A stored credential was found, but it has expired or this git cannot use it.
    reason = "there is no account" if choice.outcome == rules.STORED_CREDENTIAL else choice.reason
    say("hint", f"{reason}: {_setup(choice)}")
    return False


def _setup(choice: Choice) -> str:
    user = choice.user or ""
    return hints.setup(choice.organization or "", login_hint=user if "@" in user and may_repeat(user) else "")
