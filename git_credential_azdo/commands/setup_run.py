"""The state of one run of ``setup``, each part determined once; and what every way to sign in begins and ends with.

The accounts file is read once, and there is one HTTP client and one vault; the account is saved by one call, and what
follows is based on the accounts file as that call wrote it. Must never sign the user in: the subcommands do that.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import click

from git_credential_azdo import deadline, hints
from git_credential_azdo.accounts import save
from git_credential_azdo.accounts.account import PAT, Account
from git_credential_azdo.accounts.accounts_file import AccountsFile
from git_credential_azdo.accounts.choice import choose, shown_name, unique_name
from git_credential_azdo.accounts.environment import PIPELINE_TOKEN, variable_for
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands import configure, console, doctor_machine, parsing
from git_credential_azdo.commands.parsing import same_command
from git_credential_azdo.devops import api
from git_credential_azdo.errors import AzdoError, UsageError, VaultError, VaultLocked, say
from git_credential_azdo.git.address import normalize
from git_credential_azdo.git.target import SERVICES_ADDRESS, AnyOrganization, Collection, Organization
from git_credential_azdo.signin.authorities import DEFAULT_REDIRECT
from git_credential_azdo.vault import vaults
from git_credential_azdo.web import HttpClient

COMMON = ("organizations", "alias", "vault", "no_git_config")
"""The parameters that every way to sign in has."""


def _redirect(text: str) -> str:
    parsed = normalize(text)
    if parsed is None or parsed.scheme not in {"http", "https"}:
        raise UsageError("--redirect-uri takes an http or https URL", hints.help_of("setup"))
    return text


_text = functools.partial(click.option, default="")
_OPTIONS = {
    "organizations": click.option(
        "--org", "organizations", multiple=True, **parsing.ORG, help="Organization; repeatable."
    ),
    "alias": click.option("--alias", metavar="WORD", help="Short name for the account."),
    "vault": click.option("--vault", metavar="NAME", help="Vault: keyring, file, none, or a backend's name."),
    "no_git_config": parsing.NO_GIT_CONFIG,
    "no_browser": click.option("--no-browser", is_flag=True, help="Only print the link, for any browser."),
    "redirect_uri": click.option(
        "--redirect-uri",
        type=_redirect,
        metavar="URL",
        default=DEFAULT_REDIRECT,
        help="Redirect address of your app registration.",
    ),
    "tenant": _text("--tenant", help="Entra tenant: its id or a domain of it."),
    "authority": _text("--authority", metavar="URL", help="Issuer, instead of Microsoft's."),
    "client_id": _text("--client-id", metavar="ID", help="Id of your own app registration."),
    "scope": _text("--scope", help="Scopes to request."),
    "login_hint": _text("--login-hint", metavar="NAME", help="Sign-in name to preselect."),
    "bearer": click.option(
        "--bearer", is_flag=True, help="Answer authtype=Bearer if git supports it (2.46)."
    ),
    "endpoint_hosts": click.option("--endpoint-host", "endpoint_hosts", multiple=True, hidden=True),
}
"""The options of the ways to sign in, by the field of Run that each sets; a way's special options are declared with it."""


@dataclass
class Run:
    """One run of ``setup``: what the user requested by the options above, and what is known so far.

    ``kind``: of the account. ``organizations``: those named, which it must serve. ``endpoint_hosts``: other hosts of the
    authority, confirmed. ``ask``: whether the user is asked for choices.
    """

    kind: str
    organizations: list[AnyOrganization]
    alias: str | None
    vault: str | None
    no_git_config: bool
    no_browser: bool = False
    redirect_uri: str = DEFAULT_REDIRECT
    tenant: str = ""
    authority: str = ""
    client_id: str = ""
    scope: str = ""
    login_hint: str = ""
    bearer: bool = False
    endpoint_hosts: tuple[str, ...] = ()
    ask: bool = False
    _http: HttpClient | None = None
    _tenants: dict[AnyOrganization, str | None] = field(default_factory=dict)

    @cached_property
    def accounts_file(self) -> AccountsFile:
        """The accounts file: first as it was at the start, later as it was saved with the account."""
        return AccountsFile.load()

    @property
    def address(self) -> str:
        """Where the organizations are: Azure DevOps Services, another cloud's, or a server. Raise UsageError."""
        return save.address_of(self.organizations, self.accounts_file)

    @property
    def is_public(self) -> bool:
        """Whether that is Azure DevOps Services of the public cloud, the only one known to list organizations."""
        return self.address == SERVICES_ADDRESS

    @property
    def login_host(self) -> str | None:
        """The login host of another cloud, if its address was registered with one."""
        return self.accounts_file.login_host(self.address)

    def http(self, seconds: float = 0) -> HttpClient:
        """Return the run's HTTP client, with ``seconds`` from now on; without them, with what is left of the run."""
        if self._http is None:
            self._http = HttpClient(0, allowed=api.origins_of(*self.organizations))
        self._http.renew(seconds or deadline.left())
        return self._http

    def close(self) -> None:
        """Close the connections."""
        if self._http:
            self._http.close()

    def choose_vault(self, *, has_secret: bool = True) -> str:
        """Return the name of the vault to store secrets in, after a test of it; without a secret, none is needed.

        Raise VaultError, VaultLocked, UsageError.
        """
        if self.vault == vaults.NONE:
            if has_secret:
                cure = same_command(vault=vaults.FILE)
                raise UsageError("the account has a secret, which --vault none would not store", cure)
            return vaults.NONE
        try:
            return parsing.find_vault(self.vault, self.accounts_file.header.get("vault"))
        except VaultLocked:
            raise
        except VaultError as error:
            if not has_secret and not self.vault:
                return vaults.NONE
            if self.ask:
                console.err(f"{error.message}.")
                if console.confirm("Store secrets in a private file, not encrypted?", default=False):
                    return vaults.find(vaults.FILE)
                if error.hint == same_command(vault=vaults.FILE):  # just declined
                    raise VaultError(error.message, f"other keyrings: {hints.KEYRINGS_PAGE}") from None
            raise

    def check(self) -> None:
        """Raise UsageError for an alias, or an address, that an account of the kind cannot have."""
        others = (each for each in self.accounts_file.accounts if each.kind != self.kind)
        save.check_alias(self.alias, others, same_command(alias="work"))
        address = self.address
        if self.kind != PAT and address not in {SERVICES_ADDRESS, *self.accounts_file.services_addresses}:
            raise UsageError(
                f"{address} is an Azure DevOps Server; it does not accept Entra tokens",
                hints.setup_pat(server=f"{address}/COLLECTION"),
            )

    def tenant_of(self, organization: AnyOrganization) -> str | None:
        """Return the organization's tenant, asked once. Raise NetworkError, ServiceError."""
        if organization not in self._tenants:
            self._tenants[organization] = api.tenant_of(self.http(), organization)
        return self._tenants[organization]

    def person(self, authorization: Mapping[str, str]) -> tuple[str, Sequence[AnyOrganization]]:
        """Return the user's sign-in name and organizations, which only the public cloud is known to list.

        A token must never be sent to a cloud other than its own. Raise NetworkError, ServiceError, UnauthorizedError.
        """
        if not self.is_public:
            return "", ()
        identity = api.profile(self.http(), authorization)
        return identity.name, api.organizations(self.http(), authorization, identity.id)

    def finish(
        self,
        new_account: save.NewAccount,
        vault_name: str,
        authorization: Mapping[str, str],
        repository: str | None = None,
    ) -> None:
        """Save the account, report that, make git call us, and name the next command.

        ``authorization``: the header with which the account's first organization is asked for a ``repository`` to clone,
        if none is known. Raise AzdoError; nothing is saved then, except where only git's configuration could not be written.
        """

        def saw(accounts_file: AccountsFile) -> None:
            self.accounts_file = accounts_file

        account = save.save_account(new_account, vault_name, saw)
        self._summarize(account)
        for organization, fitting in save.undecided(self.accounts_file, account).items():
            self._decide(organization, account, fitting)
        doctor_machine.compile_package()
        if not self.no_git_config:
            try:
                configure.write(
                    self.accounts_file, services=account.address == SERVICES_ADDRESS, ask=self.ask
                )
            except UsageError as error:
                raise UsageError(
                    f"account saved, but git's configuration was not updated: {error.message}", error.hint
                ) from None
        found = [each for each in new_account.found if isinstance(each, Organization | Collection)]
        for organization in [*self.organizations, *found][:1]:
            self._say_variable(organization, account)
            with contextlib.suppress(AzdoError):
                repository = repository or api.check_code_scope(self.http(), organization, authorization)
            console.err(f"Next: {hints.clone(repository or f'{organization.url}/PROJECT/_git/REPOSITORY')}")

    def _summarize(self, account: Account) -> None:
        name = unique_name(account, self.accounts_file.accounts)
        console.err(f"Signed in as {account.name}{f' ({account.alias})' if account.alias else ''}")
        console.err(f"Organizations: {account.listed_names or 'none found yet'}")
        console.err(vaults.described(account.vault))
        console.err(f"To remove it: {hints.logout(name)}")

    def _decide(self, organization: AnyOrganization, account: Account, fitting: list[Account]) -> None:
        """Ask the user to choose among the accounts that fit an organization; without a terminal, name the command."""
        accounts = self.accounts_file.accounts
        if not console.can_ask():
            use = hints.use(unique_name(account, accounts), organization)
            console.err(f"Several accounts match {organization}; to choose this one: {use}")
            return
        console.err(f"Several accounts match {organization}:")
        names = [shown_name(each, unique_name(each, accounts)) for each in fitting]
        usual = [each.id for each in fitting].index(account.id)
        chosen = fitting[console.choose("Which one serves it", names, usual)].id
        update(lambda accounts_file: accounts_file.bind(organization, chosen))

    def _say_variable(self, organization: AnyOrganization, account: Account) -> None:
        """Report which token from the environment git gets for the organization instead of the account's."""
        target = self.accounts_file.target_at(organization)
        variable = variable_for(target, choose(target, None, self.accounts_file), os.environ)
        if variable:
            use = hints.use(unique_name(account, self.accounts_file.accounts), organization)
            cure = f"to use this account: {use}" if variable == PIPELINE_TOKEN else hints.unset(variable)
            say("hint", f"for {organization} the token in {variable} takes precedence; {cure}")


def way(kind: str, *options: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options that every way to sign in has, and these, to a command; its first argument is a Run with them.

    The command of a group does nothing if one of its subcommands was named.
    """

    def decorated(sign_in: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(sign_in)
        def command(**given: Any) -> None:
            if click.get_current_context().invoked_subcommand:
                return
            own = {name: given.pop(name) for name in given.keys() - _OPTIONS.keys()}
            named = list(dict.fromkeys(given.pop("organizations")))
            with contextlib.closing(Run(kind, named, **given)) as run:
                run.check()
                sign_in(run, **own)

        for name in reversed((*COMMON, *options)):
            command = _OPTIONS[name](command)
        return command

    return decorated
