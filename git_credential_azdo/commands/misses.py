"""What to say when no account answers: one line that says why, and the command that settles it."""

from __future__ import annotations

import shlex

from git_credential_azdo.accounts import choice as rules
from git_credential_azdo.accounts.naming import looks_like_token, unique_name
from git_credential_azdo.errors import say
from git_credential_azdo.git.remote import SERVICES_ADDRESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.choice import Choice

USE_HTTP_PATH = "git config --global credential.https://dev.azure.com.useHttpPath true"


def use_http_path(address: str) -> str:
    """Return the command by which git tells the path of what lies at ``address``."""
    return USE_HTTP_PATH.replace(SERVICES_ADDRESS, address)


def tell(choice: Choice) -> bool:
    """Say it on stderr; return whether git should stop asking."""
    organization = choice.organization
    names = [unique_name(account, choice.candidates) for account in choice.candidates]
    if choice.outcome == rules.AMBIGUOUS:
        where = f"the organization {organization}" if organization else choice.candidates[0].place
        say("error", f"several accounts fit {where}: {', '.join(names)}")
        if organization is None:
            address = choice.candidates[0].address
            say("hint", f"git sent no path, so the organization is unknown: {use_http_path(address)}")
            say("hint", f"git credential-azdo use {shlex.quote(names[0])} --default")
            return True
        for name in names:
            say("hint", shlex.join(["git", "credential-azdo", "use", name, "--org", organization]))
        return True
    if choice.outcome == rules.UNKNOWN_USER:
        known = f"; known are {', '.join(names)}" if names else ""
        user = choice.user or ""
        if looks_like_token(user):
            say("error", f"the address holds what looks like a token where git expects a user{known}")
        else:
            say("error", f"no account is named {user}{known}")
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
