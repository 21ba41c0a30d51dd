"""``server``: register servers (Azure DevOps Server, any git server) whose stored credentials are saved here.

A registered server is scheme, host and port; it never gets a token of Entra, and Azure DevOps Services and login
hosts are refused here, since a stored credential would never be the right answer for them. With ``--services`` a host
is another cloud's Azure DevOps Services: none is known to this program, each is the person's word.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import STORED, Block
from git_credential_azdo.accounts.accounts_file import SERVER, SERVICES, AccountsFile
from git_credential_azdo.accounts.naming import unique_name
from git_credential_azdo.accounts.save import load_accounts
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands import configure, console
from git_credential_azdo.commands.parsing import Verbs
from git_credential_azdo.errors import UsageError, say
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import Target, target_of
from git_credential_azdo.hosts import LOGIN_HOSTS
from git_credential_azdo.vault import vaults

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
"""A name, or an address of the Internet protocol; git's patterns with ``*`` are no server."""


@click.group(
    "server", cls=Verbs, synonyms={"ls": "list", "rm": "remove", "delete": "remove", "register": "add"}
)
def command() -> None:
    """Manage Azure DevOps Server and other git servers: credentials that git stores for them are saved."""


@command.command("add")
@click.argument("url")
@click.option(
    "--allow-http", is_flag=True, help="Allow a server without https: secrets are sent in clear text."
)
@click.option("--services", is_flag=True, help="The URL is Azure DevOps Services of a sovereign cloud.")
@click.option(
    "--login",
    metavar="HOST",
    type=click.Choice(sorted(LOGIN_HOSTS)),
    help="The sign-in host of that cloud.",
)
@click.option("--vault", metavar="NAME", help="The vault for secrets: keyring, file, or a keyring backend.")
@click.option("--no-git-config", is_flag=True, help="Do not change git's configuration.")
def add(
    url: str, *, allow_http: bool, services: bool, login: str | None, vault: str | None, no_git_config: bool
) -> None:
    """Register the server URL, for example https://tfs.example.com:8443."""
    target = server_at(url)
    if services or login:
        _add_services(target, login, services=services)
        if not no_git_config:
            _let_git_know()
        return
    if target.protocol == "http" and not allow_http:
        raise UsageError(
            f"passwords would be sent to {target.host} in clear text over http; use https if you can",
            hints.server_add(target.address, allow_http=True),
        )
    name = vaults.find(vault, load_accounts().header.get("vault"))

    def change(accounts_file: AccountsFile) -> None:
        _forget(accounts_file, target, SERVICES)
        accounts_file.header.set("vault", name)
        if accounts_file.server(target.address) is None:
            accounts_file.blocks.append(Block([("kind", SERVER), ("address", target.address)]))

    update(change)
    console.out(f"Registered {target.address}; credentials that git stores for it are saved in {name}")
    if not no_git_config:
        _let_git_know()


def _add_services(target: Target, login: str | None, *, services: bool) -> None:
    if not services:
        raise UsageError("--login requires --services", hints.help_of("server", "add"))
    if target.protocol != "https":
        raise UsageError(
            f"{target.host} is not reached over https",
            f"{hints.server_add(f'https://{target.host}')} --services",
        )

    def change(accounts_file: AccountsFile) -> None:
        _forget(accounts_file, target, SERVER, SERVICES)
        block = Block([("kind", SERVICES), ("host", target.host)])
        block.set("login", login)
        accounts_file.blocks.append(block)

    update(change)
    console.out(f"Registered {target.address} as Azure DevOps Services")
    console.err(f"Next: {hints.setup(f'{target.address}/{hints.ORGANIZATION}')}")


def _let_git_know() -> None:
    try:
        configure.write()
    except UsageError as error:  # the server is registered; git can be configured later
        say("error", f"git's configuration was not updated: {error.message}")
        say("hint", error.hint or hints.configure())


def _forget(accounts_file: AccountsFile, target: Target, *kinds: str) -> None:
    """Drop the blocks of these kinds that are about the server."""
    accounts_file.blocks = [
        block
        for block in accounts_file.blocks
        if block.get("kind") not in kinds
        or target.address not in {block.get("address"), f"https://{block.get('host')}"}
    ]


@command.command("list")
def list_servers() -> None:
    """List the registered servers."""
    accounts_file = load_accounts()
    servers = accounts_file.of_kind(SERVER)
    for block in servers:
        console.out(block.get("address"))
    for address in accounts_file.services_addresses:
        login = accounts_file.login_host(address)
        console.out(f"{address} (Azure DevOps Services{f', sign-in at {login}' if login else ''})")
    if not servers and not accounts_file.services_addresses:
        say("hint", f"no server is registered: {hints.server_add()}")


@command.command("remove")
@click.argument("url")
def remove_server(url: str) -> None:
    """Remove a server, with the credentials stored for it."""
    target = server_at(url)
    accounts_file = load_accounts()
    if (
        accounts_file.server(target.address) is None
        and target.address not in accounts_file.services_addresses
    ):
        raise UsageError(f"{target.address} is not registered", hints.server_list())
    gone = [typed for typed in accounts_file.stored_credentials if typed.address == target.address]
    for typed in gone:
        vaults.remove(typed.vault, typed.key)

    update(lambda fresh: _forget(fresh, target, SERVER, SERVICES, STORED))
    console.out(f"Removed {target.address}")
    for account in accounts_file.accounts:
        if account.address == target.address:
            name = unique_name(account, accounts_file.accounts)
            say("hint", f"its account remains; to remove it: {hints.logout(name)}")
    configure.write_again()


def server_at(url: str) -> Target:
    """Return the server of an address, whose path is ignored. Raise UsageError for Microsoft's own hosts."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removesuffix(".")
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        host = port = ""
    if not _HOST.fullmatch(host) or port == ":0" or parts.scheme not in {"http", "https"}:
        raise UsageError("not the URL of a server", hints.server_add())
    bracketed = f"[{host}]" if ":" in host else host
    target = target_of(Message([("protocol", parts.scheme), ("host", bracketed + port)]))
    if target is None or target.services or _is_microsofts(host):
        raise UsageError(f"{host} is a Microsoft host, for which you sign in", hints.setup())
    return target


def _is_microsofts(host: str) -> bool:
    return (
        host in LOGIN_HOSTS
        or host == "login.live.com"
        or host.endswith((".visualstudio.com", ".dev.azure.com"))
        or host == "visualstudio.com"
    )
