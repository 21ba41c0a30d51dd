"""``explain --online``: ask Azure DevOps which of the accounts can read a repository.

Azure DevOps answers 404 (TF401019) for a repository that an account cannot see; git does not report that to its helpers,
so the wrong account would be used again.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import quote

from git_credential_azdo import deadline, hints, refresh
from git_credential_azdo.accounts.choice import choose
from git_credential_azdo.accounts.naming import unique_name
from git_credential_azdo.devops import api
from git_credential_azdo.errors import AzdoError
from git_credential_azdo.git.address import message_for
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.git.target import AnyOrganization, Target

MAX_AT_ONCE = 8
READS = "can read it"


def who_can_read(url: str, accounts_file: AccountsFile) -> list[str]:
    """Return one line an account: whether it can read ``url``; then, if another one must serve, the command for that."""
    target = accounts_file.target_of(message_for(url))
    organization = target.organization if target else None
    if target is None or not target.services or organization is None:
        return ["not a URL of an Azure DevOps organization"]
    accounts = [
        account
        for account in accounts_file.accounts
        if account.address == target.address and account.can_serve(organization)
    ]
    repository = _repository_url(target, organization)
    with ThreadPoolExecutor(MAX_AT_ONCE) as pool:
        answers = list(
            pool.map(lambda account: _ask(account, organization, repository, accounts_file), accounts)
        )
    names = [unique_name(account, accounts_file.accounts) for account in accounts]
    lines = [f"{name}: {answer}" for name, answer in zip(names, answers, strict=True)]
    readers = [account for account, answer in zip(accounts, answers, strict=True) if answer == READS]
    serving = choose(target, None, accounts_file).account
    if readers and (serving is None or serving.id not in {account.id for account in readers}):
        lines.append(hints.use(unique_name(readers[0], accounts_file.accounts), organization))
    if not lines:
        return [f"no account can serve it: {hints.setup(organization)}"]
    return lines


def _repository_url(target: Target, organization: AnyOrganization) -> str:
    """Return the address of the remote's repository below its organization; an empty text where it names none."""
    if not target.repository:
        return ""
    project, _, name = target.repository[len(organization) + 1 :].rpartition("/")
    below = f"{project}/_git/{name}"
    return f"{organization.url}/{quote(below, errors='surrogateescape')}"


def _ask(
    account: Account, organization: AnyOrganization, repository: str, accounts_file: AccountsFile
) -> str:
    try:
        authorization = refresh.authorization(account, organization, accounts_file)
        with HttpClient(deadline.left(), allowed=api.origins_of(organization)) as web:
            if repository:
                found = api.can_read_repository(web, repository, authorization)
                return READS if found else "cannot see it (status 404)"
            api.check_code_scope(web, organization, authorization)
    except AzdoError as error:
        return error.message
    return READS
