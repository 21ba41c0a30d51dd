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
from git_credential_azdo.accounts.choice import unique_name
from git_credential_azdo.accounts.save import load_accounts
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands import configure, console
from git_credential_azdo.commands.parsing import NO_GIT_CONFIG, VAULT, Verbs
from git_credential_azdo.errors import UsageError, say
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import Target, target_of
from git_credential_azdo.hosts import LEGACY_SUFFIX, LOGIN_HOSTS, SERVICES_HOST
from git_credential_azdo.vault import vaults

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
"""A name, or an address of the Internet protocol; git's patterns with ``*`` are no server."""


_MICROSOFTS = (LEGACY_SUFFIX, f".{SERVICES_HOST}")


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
@VAULT
@NO_GIT_CONFIG
def add(
    url: str, *, allow_http: bool, services: bool, login: str | None, vault: str | None, no_git_config: bool
) -> None:
    """Register the server URL, for example https://tfs.example.com:8443."""
    target = server_at(url, hints.server_add())
    if login and not services:
        raise UsageError("--login requires --services", hints.help_of("server", "add"))
    if services:
        cure = f"{hints.server_add(f'https://{target.host}')} --services"
        problem = f"{target.host} is not reached over https"
    else:
        cure = hints.server_add(target.address, allow_http=True)
        problem = f"passwords would be sent to {target.host} in clear text over http; use https if you can"
    if target.protocol == "http" and (services or not allow_http):
        raise UsageError(problem, cure)
    name = "" if services else vaults.find(vault, load_accounts().header.get("vault"))
    block = Block([("kind", SERVER), ("address", target.address)])
    if services:
        block = Block([("kind", SERVICES), ("host", target.host)])
        block.set("login", login)

    def change(accounts_file: AccountsFile) -> None:
        _forget(accounts_file, target, SERVICES, *([SERVER] if services else []))
        if services or accounts_file.server(target.address) is None:
            accounts_file.blocks.append(block)
        if not services:
            accounts_file.header.set("vault", name)

    update(change)
    if services:
        console.out(f"Registered {target.address} as Azure DevOps Services")
        console.err(f"Next: {hints.setup(f'{target.address}/{hints.ORGANIZATION}')}")
    else:
        console.out(f"Registered {target.address}; credentials that git stores for it are saved in {name}")
    if not no_git_config:
        _let_git_know()


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
    target = server_at(url, hints.server_list())
    accounts_file = load_accounts()
    if target.address not in accounts_file.addresses:
        raise UsageError(f"{target.address} is not registered", hints.server_list())
    for typed in accounts_file.stored_credentials:
        if typed.address == target.address:
            vaults.remove(typed.vault, typed.key)
    update(lambda fresh: _forget(fresh, target, SERVER, SERVICES, STORED))
    console.out(f"Removed {target.address}")
    for account in accounts_file.accounts:
        if account.address == target.address:
            name = unique_name(account, accounts_file.accounts)
            say("hint", f"its account remains; to remove it: {hints.logout(name)}")
    configure.write_again()


def server_at(url: str, cure: str) -> Target:
    """Return the server of an address, whose path is ignored. Raise UsageError for Microsoft's own hosts.

    ``cure``: the hint for what is no address.
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
