"""``configure`` and ``server``: set the addresses for which git calls us: Azure DevOps, and the servers registered here.

Our file of git's configuration is rebuilt from the accounts file each time; ``setup`` configures, too. ``unconfigure``
undoes that; accounts stay. A registered server (Azure DevOps Server, any git server) is a scheme, host and port:
credentials that git stores for it are saved here, and it must never get an Entra token. Azure DevOps Services and login
hosts are refused, since a stored credential would never be the right answer for them. With ``--services`` a host is
another cloud's Azure DevOps Services: this program knows none of those hosts, and relies on the user for each.
"""

from __future__ import annotations

import os
import re
import sys
from urllib.parse import urlsplit

import click

from git_credential_azdo import hints, programs
from git_credential_azdo.accounts.account import Block
from git_credential_azdo.accounts.accounts_file import BINDING, LEARNED, SERVER, SERVICES, AccountsFile
from git_credential_azdo.accounts.choice import unique_name
from git_credential_azdo.accounts.update import holding_lock, update
from git_credential_azdo.commands import console
from git_credential_azdo.commands.accounts import remove
from git_credential_azdo.commands.parsing import NO_GIT_CONFIG, VAULT, Verbs, find_vault
from git_credential_azdo.errors import UsageError, say
from git_credential_azdo.files import gitconfig_path
from git_credential_azdo.git import config, edit, install
from git_credential_azdo.git.install import Section, script_path
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import (
    LEGACY_SUFFIX,
    LOGIN_HOSTS,
    SERVICES_ADDRESS,
    SERVICES_HOST,
    Organization,
    Target,
    target_of,
)

_DEV_AZURE = Section(SERVICES_ADDRESS, with_path=True)
_LOCK = "git-config"
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
"""A host name or an IP address; git's patterns with ``*`` are not servers."""
_MICROSOFTS = (LEGACY_SUFFIX, f".{SERVICES_HOST}")


@click.command("configure")
@click.option("--dry-run", is_flag=True, help="Only show what would be written.")
def command(*, dry_run: bool) -> None:
    """Let git call this helper for Azure DevOps and the registered servers; other hosts keep their helpers."""
    if dry_run:
        _show(_plan(AccountsFile.load(), services=True))
    else:
        write(services=True)


@click.command("unconfigure")
def unconfigure() -> None:
    """Take back what configure wrote to git's configuration; accounts stay. To write it again: configure."""
    own = gitconfig_path()
    try:
        plan = install.plan(own)
    except programs.NotFound:
        if os.path.lexists(own):
            raise
        plan = None
    is_undone = plan and (plan.is_new or plan.changes)
    if plan and is_undone:
        for line in plan.lines:
            console.err(line)
        with holding_lock(_LOCK):
            _apply(plan, hints.unconfigure())
    called = config.helpers_for(config.read_config(), _DEV_AZURE.url) if plan else []
    ours = [helper for helper in called if helper.ours]  # as the user, or an administrator, configured it
    for helper in ours:
        say("error", f"git still calls this helper, by {helper.entry.description}")
        say("hint", config.removal(helper.entry, edit.exactly(helper.value)))
    if not ours:
        console.err("git no longer calls this helper" if is_undone else "Nothing to undo")


def write(known: AccountsFile | None = None, *, services: bool = False, ask: bool = False) -> None:
    """Show and write what git needs to call us; with ``ask``, the user's own file is changed only after a confirmation.

    ``known``: the accounts file as the caller has just written it. ``services``: also for Azure DevOps, even if it was
    not configured before. Raise UsageError.
    """
    if ask:  # without the lock, which must not be held during a prompt
        plan = _plan(known or AccountsFile.load(), services=services)
        _show(plan)
        if plan.changes and not console.confirm("Write this?", default=True):
            console.err("git configuration is left as it is")
            return
    with holding_lock(_LOCK):
        plan = _plan(known or AccountsFile.load(), services=services)
        if not ask:
            _show(plan)
        _apply(plan, hints.configure())
    if plan.adds:
        console.err(f"To undo: {hints.unconfigure()}")


def _apply(plan: install.Plan, again: str) -> None:
    """Write a plan. Raise UsageError, whose hint ends with the command to run again."""
    try:
        install.apply(plan)
    except UsageError as error:
        raise UsageError(error.message, f"{error.hint} && {again}" if error.hint else None) from None


def _plan(accounts_file: AccountsFile, *, services: bool) -> install.Plan:
    script = script_path(sys.argv[0])
    if script is None:
        raise UsageError("git-credential-azdo is not on PATH, so git could not call it", hints.by_hand())
    own = gitconfig_path()
    services = services or install.has_section(own, _DEV_AZURE.url)
    sections = _sections(accounts_file, services=services)
    return install.plan(own, sections, script)


def _sections(accounts_file: AccountsFile, *, services: bool) -> list[Section]:
    organizations = tuple(f"https://{name}{LEGACY_SUFFIX}" for name in _organizations(accounts_file))
    visual_studio = Section(f"https://*{LEGACY_SUFFIX}", also=organizations)
    return [
        *([_DEV_AZURE, visual_studio] if services else []),
        *(Section(address, with_path=True) for address in accounts_file.services_addresses),
        *map(Section, accounts_file.servers),
    ]


def _organizations(accounts_file: AccountsFile) -> list[Organization]:
    """Return the organizations of Azure DevOps Services that the accounts file knows, sorted."""
    names = [name for account in accounts_file.accounts for name in account.listed]
    names += [block.get("organization") for block in accounts_file.of_kind(LEARNED)]
    names += [block.get("target").partition("/")[0] for block in accounts_file.of_kind(BINDING)]
    return sorted({organization for name in names if (organization := Organization.read(name))})


def _show(plan: install.Plan) -> None:
    if plan.changes:
        console.err("git configuration:")
        for line in plan.lines:
            console.err(f"  {line}")
    else:
        console.err(f"git configuration: {f'updated {plan.own}' if plan.is_new else 'already in place'}")
    for other in plan.remaining:
        say("error", f"{other.description} is also called, and configure cannot override it")
        say("hint", other.hint)


@click.group(
    "server", cls=Verbs, synonyms={"ls": "list", "rm": "remove", "delete": "remove", "register": "add"}
)
def server() -> None:
    """Manage Azure DevOps Server and other git servers: credentials that git stores for them are saved."""


@server.command("add")
@click.argument("url")
@click.option(
    "--allow-http", is_flag=True, help="Allow a server without https: secrets are sent in clear text."
)
@click.option("--services", is_flag=True, help="The URL is Azure DevOps Services of a sovereign cloud.")
@click.option(
    "--login", metavar="HOST", type=click.Choice(sorted(LOGIN_HOSTS)), help="The sign-in host of that cloud."
)
@VAULT
@NO_GIT_CONFIG
def add(
    url: str, *, allow_http: bool, services: bool, login: str | None, vault: str | None, no_git_config: bool
) -> None:
    """Register the server URL, for example https://tfs.example.com:8443."""
    target = server_at(url, hints.server_add())
    if login and not services:
        raise UsageError("--login requires --services", hints.help_of("server", "add"))
    if target.protocol == "http" and services:
        cure = f"{hints.server_add(f'https://{target.host}')} --services"
        raise UsageError(f"{target.host} requires an https URL with --services", cure)
    if target.protocol == "http" and not allow_http:
        raise UsageError(
            f"passwords would be sent to {target.host} in clear text over http; use https if you can",
            hints.server_add(target.address, allow_http=True),
        )
    block = Block(
        [("kind", SERVICES), ("host", target.host)]
        if services
        else [("kind", SERVER), ("address", target.address)]
    )
    block.set("login", login)
    vault_name = None if services else find_vault(vault, AccountsFile.load().header.get("vault"))

    def change(accounts_file: AccountsFile) -> None:
        _forget(accounts_file, target)
        accounts_file.blocks.append(block)
        if vault_name:
            accounts_file.header.set("vault", vault_name)

    update(change)
    if services:
        console.out(f"Registered {target.address} as Azure DevOps Services")
        console.err(f"Next: {hints.setup(f'{target.address}/{hints.ORGANIZATION}')}")
    else:
        console.out(
            f"Registered {target.address}; credentials that git stores for it are saved in {vault_name}"
        )
    if no_git_config:
        return
    try:
        write()
    except UsageError as error:  # the server is registered; git can be configured later
        say("error", f"git's configuration was not updated: {error.message}")
        say("hint", error.hint or hints.configure())


def _forget(accounts_file: AccountsFile, target: Target) -> None:
    """Remove the blocks that register the server."""
    accounts_file.blocks = [
        block
        for block in accounts_file.blocks
        if block.get("kind") not in {SERVER, SERVICES}
        or target.address not in {block.get("address"), f"https://{block.get('host')}"}
    ]


@server.command("list")
def list_servers() -> None:
    """List the registered servers."""
    accounts_file = AccountsFile.load()
    for address in accounts_file.servers:
        console.out(address)
    for address in accounts_file.services_addresses:
        login = accounts_file.login_host(address)
        console.out(f"{address} (Azure DevOps Services{f', sign-in at {login}' if login else ''})")
    if not accounts_file.addresses:
        say("hint", f"no server is registered: {hints.server_add()}")


@server.command("remove")
@click.argument("url")
def remove_server(url: str) -> None:
    """Remove a server, with the credentials stored for it."""
    target = server_at(url, hints.server_list())
    accounts_file = AccountsFile.load()
    if target.address not in accounts_file.addresses:
        raise UsageError(f"{target.address} is not registered", hints.server_list())
    for stored in accounts_file.stored_credentials:
        if stored.address == target.address:
            remove(stored)
    update(lambda fresh: _forget(fresh, target))
    console.out(f"Removed {target.address}")
    for account in accounts_file.accounts:
        if account.address == target.address:
            name = unique_name(account, accounts_file.accounts)
            say("hint", f"its account remains; to remove it: {hints.logout(name)}")
    if os.path.lexists(gitconfig_path()):
        write()


def server_at(url: str, cure: str) -> Target:
    """Return the server of an address, whose path is ignored. Raise UsageError for Microsoft's own hosts.

    ``cure``: the hint for an invalid address.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removesuffix(".")
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        host = port = ""
    if not _HOST.fullmatch(host) or port == ":0" or parts.scheme not in {"http", "https"}:
        raise UsageError("not the URL of a server", cure)
    bracketed = f"[{host}]" if ":" in host else host
    target = target_of(Message([("protocol", parts.scheme), ("host", bracketed + port)]))
    microsofts = host in {*LOGIN_HOSTS, "login.live.com"} or f".{host}".endswith(_MICROSOFTS)
    if target is None or target.services or microsofts:
        raise UsageError(f"{host} is a Microsoft host, for which you sign in", hints.setup())
    return target
