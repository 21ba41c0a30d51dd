"""``token``: a valid token for scripts, REST calls and other tools, chosen exactly as ``get`` chooses.

Prints a secret: to a pipe or a file, on a terminal only with ``--show``, and never to stderr. Headers:
https://learn.microsoft.com/rest/api/azure/devops/ ("Create the request") and, for System.AccessToken,
https://learn.microsoft.com/azure/devops/pipelines/build/variables.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field

import click

from git_credential_azdo import hints, refresh
from git_credential_azdo.accounts.account import Account
from git_credential_azdo.accounts.accounts_file import AccountsFile, StoredCredential
from git_credential_azdo.accounts.choice import answers_to, choose, unique_name
from git_credential_azdo.accounts.environment import PIPELINE_TOKEN, problems, token_in, variable_for
from git_credential_azdo.accounts.save import account_named
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands import console, parsing
from git_credential_azdo.errors import AzdoError, ProtocolError, SignInError, UsageError, say
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import AnyOrganization
from git_credential_azdo.helper import answer, reasons
from git_credential_azdo.helper.stored import lines_of
from git_credential_azdo.signin.terminal import is_terminal

BASIC, BEARER = "Basic", "Bearer"


@dataclass(frozen=True)
class Live:
    """A token to print: how it is sent (``scheme``, and for Basic the ``user``), its expiry in seconds since the epoch."""

    secret: str = field(repr=False)
    scheme: str
    reason: str
    user: str = ""
    expires_utc: int | None = None
    account: str | None = None
    tenant: str | None = None

    @property
    def header(self) -> str:
        """The header line for the token. Raise ProtocolError when it would not be one line."""
        if any(each in self.secret for each in "\r\n\0"):
            raise ProtocolError("the token contains a line break")
        if self.scheme != BASIC:
            return f"Authorization: {self.scheme} {self.secret}"
        pair = f"{self.user}:{self.secret}".encode("utf-8", "surrogateescape")
        return f"Authorization: {BASIC} {base64.b64encode(pair).decode('ascii')}"


@click.command("token")
@click.option("--org", "organization", required=True, **parsing.ORG, help="Organization that it is for.")
@click.option("--account", "name", **parsing.ACCOUNT, help="Account, instead of the one that git would use.")
@click.option(
    "--format", "form", type=click.Choice(["raw", "header", "json"]), default="raw", help="Output format."
)
@click.option("--show", is_flag=True, help="Print the token on a terminal, too.")
def command(organization: AnyOrganization, name: str | None, form: str, show: bool) -> None:  # noqa: FBT001 - click's
    """Print a valid token for ORG, for scripts and other tools."""
    if is_terminal(1) and not show:
        raise UsageError("a token is not printed on a terminal without --show", hints.token(organization))
    live = _find(organization, name, AccountsFile.load())
    if form != "json":
        console.secret(live.header if form == "header" else live.secret)
        return
    document = {
        "token": live.secret,
        "header": live.header,
        "expires_utc": live.expires_utc,
        "expires": console.instant(live.expires_utc),
        "account": live.account,
        "organization": organization,
        "tenant": live.tenant,
        "reason": live.reason,
    }
    console.json(document)


def _find(organization: AnyOrganization, name: str | None, accounts_file: AccountsFile) -> Live:
    """Return what ``get`` would answer.

    Raise SignInError, ServiceError, NetworkError, VaultError, VaultLocked, UsageError.
    """
    named = [each for each in accounts_file.accounts if name and answers_to(each, name)]
    user = named[0].id if len(named) == 1 else name  # a name could mean the organization
    target = accounts_file.target_at(organization, user)
    choice = choose(target, None, accounts_file)
    if name and not choice.user:  # it meant just that, and no account
        account_named(name, accounts_file.accounts)  # raises why
    for problem in problems(os.environ):
        say("hint", problem)
    variable = variable_for(target, choice, os.environ)
    if variable:
        scheme = BEARER if variable == PIPELINE_TOKEN else BASIC
        return Live(token_in(variable, os.environ), scheme, f"the environment variable {variable}")
    if choice.account:
        reason = f"--account names {name}" if name else choice.reason
        return _of_account(choice.account, organization, reason, accounts_file)
    if choice.stored:
        return _of_stored(choice.stored, choice.reason)
    message, cures = reasons.why(choice)
    message = message or f"no token for the organization {organization}: {choice.reason}"
    raise SignInError(message, *(command for _, command in cures))


def _of_account(
    account: Account, organization: AnyOrganization, reason: str, accounts_file: AccountsFile
) -> Live:
    tenant = "" if account.is_pat else refresh.tenant_for(account, organization, accounts_file)
    found, change = answer.token_for(
        account, organization, tenant or None, accounts_file, asked=True, confirmed=True
    )
    if change:
        try:
            update(change)
        except AzdoError as error:  # must not lose the token
            say("error", error.message)
    return Live(
        found.secret,
        BASIC if account.is_pat else BEARER,
        reason,
        expires_utc=found.expires_utc,
        account=unique_name(account, accounts_file.accounts),
        tenant=tenant or None,
    )


def _of_stored(stored: StoredCredential, reason: str) -> Live:
    lines = Message(lines_of(Message([("capability[]", "authtype")]), stored))
    credential, password = lines.get("credential"), lines.get("password")
    if credential is not None:
        return Live(credential, lines.get("authtype") or BEARER, reason, expires_utc=stored.expires_utc)
    if password is None:
        raise SignInError("the stored credential has expired or was removed", hints.setup())
    return Live(password, BASIC, reason, user=stored.user or "", expires_utc=stored.expires_utc)
