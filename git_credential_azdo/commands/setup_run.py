"""What one run of ``setup`` knows, each thing found out once; and what every way to sign in begins and ends with.

One look into the accounts file, one HTTP client, one vault; the account is saved by one call, and what is said and done
afterwards goes by the accounts file as that call wrote it. Never signs anybody in: that is the subcommands' part.
"""

from __future__ import annotations

import contextlib
import functools
import os
from functools import cached_property
from typing import TYPE_CHECKING

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import PAT
from git_credential_azdo.accounts.choice import choose
from git_credential_azdo.accounts.environment import PIPELINE_TOKEN, variable_for
from git_credential_azdo.accounts.naming import listed_names, shown_name, unique_name
from git_credential_azdo.accounts.save import (
    check_alias,
    load_accounts,
    organization_names,
    place_of,
    save_account,
    undecided,
)
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands import configure, console, doctor_machine, parsing
from git_credential_azdo.commands.parsing import same_command
from git_credential_azdo.devops import api
from git_credential_azdo.errors import AzdoError, UsageError, VaultError, VaultLocked, say
from git_credential_azdo.git.target import SERVICES_ADDRESS, Collection, Organization
from git_credential_azdo.vault import vaults
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from git_credential_azdo.accounts.account import Account
    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.accounts.save import NewAccount
    from git_credential_azdo.git.target import AnyOrganization

SECONDS = 60.0
"""How long the requests between two waits for a person may take, all together."""
COMMON = ("organizations", "alias", "vault", "no_git_config")
"""The parameters that every way to sign in has."""
VAULT = click.option("--vault", metavar="NAME", help="Vault: keyring, file, none, or a backend's name.")
NO_GIT_CONFIG = click.option("--no-git-config", is_flag=True, help="Git's configuration stays as it is.")
_OPTIONS = (
    click.option("--org", "organizations", multiple=True, **parsing.ORG, help="Organization; repeatable."),
    click.option("--alias", metavar="WORD", help="Short name for the account."),
    VAULT,
    NO_GIT_CONFIG,
)


class Run:
    """One run of ``setup``: what a person asked for, and what is known so far.

    ``organizations``: those named, which the account must serve. ``ask``: whether a person is asked for choices.
    """

    def __init__(
        self, organizations: tuple[str, ...], alias: str | None, vault: str | None, *, git_config: bool
    ) -> None:
        self.alias = alias
        self.ask = False
        self._git_config = git_config
        self.organizations = organization_names(organizations, lambda: self.accounts_file)
        self._wanted_vault = vault
        self._http: HttpClient | None = None
        self._tenants: dict[AnyOrganization, str | None] = {}

    @cached_property
    def accounts_file(self) -> AccountsFile:
        """The accounts file: as it was at the beginning, later as the account was saved in it."""
        return load_accounts()

    @property
    def address(self) -> str:
        """Where the organizations are: Azure DevOps Services, another cloud's, or a server. Raise UsageError."""
        return place_of(self.organizations, self.accounts_file)

    @property
    def is_public(self) -> bool:
        """Whether that is Azure DevOps Services of the public cloud, which alone is known to list organizations."""
        return self.address == SERVICES_ADDRESS

    @property
    def login_host(self) -> str | None:
        """Where the people of another cloud sign in, if its address was registered with that."""
        return self.accounts_file.login_host(self.address)

    def http(self, seconds: float = SECONDS) -> HttpClient:
        """Return the one HTTP client, with so much time from now on."""
        if self._http is None:
            self._http = HttpClient(seconds, allowed=api.origins_of(*self.organizations))
        self._http.renew(seconds)
        return self._http

    def close(self) -> None:
        """Close the connections."""
        if self._http:
            self._http.close()

    def check(self, kind: str) -> None:
        """Raise UsageError for an alias, or an address, that an account of the kind cannot have."""
        check_alias(self.alias, self.accounts_file, kind)
        address = self.address
        if kind != PAT and address not in {SERVICES_ADDRESS, *self.accounts_file.services_addresses}:
            raise UsageError(
                f"{address} is an Azure DevOps Server; it does not accept Entra tokens",
                hints.setup_pat(server=f"{address}/COLLECTION"),
            )

    def choose_vault(self, *, has_secret: bool = True) -> str:
        """Return the name of the vault to keep secrets in, tried out; without a secret, one is not needed.

        Raise VaultError, VaultLocked, UsageError.
        """
        if self._wanted_vault == vaults.NONE:
            if has_secret:
                raise UsageError(
                    "the account has a secret, which --vault none would not store",
                    same_command(vault=vaults.FILE),
                )
            return vaults.NONE
        try:
            return vaults.find(self._wanted_vault, self.accounts_file.header.get("vault"))
        except VaultLocked:
            raise
        except VaultError as error:
            if not has_secret and not self._wanted_vault:
                return vaults.NONE
            if self.ask:
                console.err(f"{error.message}.")
                if console.confirm("Store secrets in a private file, not encrypted?", default=False):
                    return vaults.find(vaults.FILE)
            cure = error.hint
            if cure == hints.setup_in_file_vault():  # with this command's options, and not against a no
                others = f"other keyrings: {hints.KEYRINGS_PAGE}"
                cure = others if self.ask else same_command(vault=vaults.FILE)
            raise VaultError(error.message, cure) from None

    def finish(
        self,
        new_account: NewAccount,
        vault_name: str,
        authorization: Mapping[str, str],
        repository: str | None = None,
    ) -> None:
        """Save the account, say so, let git call us, and name the next command.

        ``authorization``: the header that the account's first organization is asked with for a ``repository`` to clone, if none is known.
        Raise AzdoError; nothing is saved then, except where only git's configuration could not be written.
        """
        account = save_account(new_account, vault_name, self._saw)
        self._summarize(account)
        for organization, fitting in undecided(self.accounts_file, account).items():
            self._decide(organization, account, fitting)
        doctor_machine.compile_package()
        if self._git_config:
            try:
                configure.write(
                    self.accounts_file, services=account.address == SERVICES_ADDRESS, ask=self.ask
                )
            except UsageError as error:
                raise UsageError(
                    f"account saved, but git's configuration was not updated: {error.message}", error.hint
                ) from None
        found = [each for each in new_account.found if isinstance(each, Organization | Collection)]
        for organization in [*new_account.chosen, *found][:1]:
            self._say_variable(organization, account)
            with contextlib.suppress(AzdoError):
                repository = repository or api.check_code_scope(self.http(), organization, authorization)
            console.err(f"Next: {hints.clone(repository or f'{organization.url}/PROJECT/_git/REPOSITORY')}")

    def _saw(self, accounts_file: AccountsFile) -> None:
        self.accounts_file = accounts_file

    def _summarize(self, account: Account) -> None:
        where = (
            "a private file, not encrypted"
            if account.vault == vaults.FILE
            else f"the keyring ({account.vault})"
        )
        name = unique_name(account, self.accounts_file.accounts)
        console.err(f"Signed in as {account.name}{f' ({account.alias})' if account.alias else ''}")
        console.err(f"Organizations: {listed_names(account) or 'none found yet'}")
        if account.vault == vaults.NONE:
            console.err("No secret is stored; a new token is requested each time")
        else:
            console.err(f"Secret saved in {where}")
        console.err(f"To forget it: {hints.logout(name)}")

    def _decide(self, organization: AnyOrganization, account: Account, fitting: list[Account]) -> None:
        """Let a person choose among the accounts that fit an organization; without one, name the command."""
        accounts = self.accounts_file.accounts
        name = unique_name(account, accounts)
        if not console.can_ask():
            console.err(
                f"Several accounts fit {organization}; to choose this one: {hints.use(name, organization)}"
            )
            return
        console.err(f"Several accounts fit {organization}:")
        names = [shown_name(each, accounts) for each in fitting]
        usual = next(place for place, each in enumerate(fitting) if each.id == account.id)
        chosen = fitting[console.choose("Which one serves it", names, usual)].id
        update(lambda accounts_file: accounts_file.bind(organization, chosen))

    def _say_variable(self, organization: AnyOrganization, account: Account) -> None:
        """Say which token of the environment git gets for the organization instead of the account's."""
        target = self.accounts_file.target_at(organization)
        variable = variable_for(target, choose(target, None, self.accounts_file), os.environ)
        if variable:
            use = hints.use(unique_name(account, self.accounts_file.accounts), organization)
            cure = f"to use this account: {use}" if variable == PIPELINE_TOKEN else hints.unset(variable)
            say("hint", f"for {organization} the token in {variable} comes first; {cure}")

    def tenant_of(self, organization: AnyOrganization) -> str | None:
        """Return the organization's tenant, asked once. Raise NetworkError, ServiceError."""
        if organization not in self._tenants:
            self._tenants[organization] = api.tenant_of(self.http(), organization)
        return self._tenants[organization]


def common(sign_in: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that every way to sign in has; ``sign_in`` gets them as a Run, its first argument."""

    @functools.wraps(sign_in)
    def command(
        organizations: tuple[str, ...],
        alias: str | None,
        vault: str | None,
        *,
        no_git_config: bool,
        **own: object,
    ) -> None:
        with contextlib.closing(Run(organizations, alias, vault, git_config=not no_git_config)) as run:
            sign_in(run, **own)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command
