"""What to say when no account answers: one line that says why, and the command that settles it."""

from __future__ import annotations

import shlex

from git_credential_azdo.accounts import choice as rules
from git_credential_azdo.errors import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.choice import Choice

USE_HTTP_PATH = "git config --global credential.https://dev.azure.com.useHttpPath true"


def tell(choice: Choice) -> bool:
    """Say it on stderr; return whether git should stop asking."""
    organization = choice.organization
    names = [account.label for account in choice.candidates]
    if choice.outcome == rules.AMBIGUOUS:
        where = f"the organization {organization}" if organization else "Azure DevOps"
        say("error", f"several accounts fit {where}: {', '.join(names)}")
        if organization is None:
            say("hint", f"git sent no path, so the organization is unknown: {USE_HTTP_PATH}")
            say("hint", f"git credential-azdo use {shlex.quote(names[0])} --default")
            return True
        for name in names:
            say("hint", f"git credential-azdo use {shlex.quote(name)} --org {organization}")
        return True
    if choice.outcome == rules.UNKNOWN_USER:
        known = f"; known are {', '.join(names)}" if names else ""
        say("error", f"no account is named {choice.user}{known}")
        say("hint", _setup(choice))
        return False
    if choice.outcome == rules.NOT_COVERED:
        say("error", f"no account covers the organization {organization}; known are {', '.join(names)}")
        say("hint", _setup(choice))
        return False
    # A typed credential was found, but is over or nothing that this git can use.
    reason = "there is no account" if choice.outcome == rules.TYPED_CREDENTIAL else choice.reason
    say("hint", f"{reason}: {_setup(choice)}")
    return False


def _setup(choice: Choice) -> str:
    words = ["git", "credential-azdo", "setup"]
    if choice.organization:
        words += ["--org", choice.organization]
    if choice.user and "@" in choice.user:
        words += ["--login-hint", choice.user]
    return shlex.join(words)
