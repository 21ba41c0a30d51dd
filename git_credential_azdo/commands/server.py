"""``server``: which servers of one's own (Azure DevOps Server, any git server) keep typed credentials with us.

A registered server is scheme, host and port; it never gets a token of Entra, and Azure DevOps Services and login
hosts are refused here, since a typed credential would never be the right answer for them. With ``--services`` a host
is another cloud's Azure DevOps Services: none is known to this program, each is the person's word.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import click

from git_credential_azdo import hints
from git_credential_azdo.accounts.account import TYPED, Block
from git_credential_azdo.accounts.accounts_file import SERVER, SERVICES, Registry
from git_credential_azdo.accounts.naming import unique_name
from git_credential_azdo.accounts.save import current_registry
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands import configure, console
from git_credential_azdo.commands.parsing import Verbs
from git_credential_azdo.errors import UsageError, say
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import Remote, remote_of
from git_credential_azdo.hosts import LOGIN_HOSTS
from git_credential_azdo.tokens import open_vault
from git_credential_azdo.vault.payload import remove
from git_credential_azdo.vault.vaults import find_vault

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
"""A name, or an address of the Internet protocol; git's patterns with ``*`` are no server."""


@click.group("server", cls=Verbs, no_args_is_help=False)
def command() -> None:
    """Serve a server of your own: it keeps what you type to git, by protocol, host, path and user."""


@command.command("add")
@click.argument("url")
@click.option(
    "--allow-http", is_flag=True, help="Serve a server that only speaks http: secrets travel in clear text."
)
@click.option("--services", is_flag=True, help="It is Azure DevOps Services of another cloud.")
@click.option(
    "--login",
    metavar="HOST",
    type=click.Choice(sorted(LOGIN_HOSTS)),
    help="Where that cloud's people sign in.",
)
@click.option("--vault", metavar="NAME", help="Where secrets are kept: keyring, file, or a backend's name.")
@click.option("--no-git-config", is_flag=True, help="Leave git's configuration alone.")
def add(
    url: str, *, allow_http: bool, services: bool, login: str | None, vault: str | None, no_git_config: bool
) -> None:
    """Register the server URL, for example https://tfs.example.com:8443."""
    remote = server_at(url)
    if services or login:
        _add_services(remote, login, services=services)
        if not no_git_config:
            _let_git_know()
        return
    if remote.protocol == "http" and not allow_http:
        raise UsageError(
            f"{remote.host} would get passwords in clear text over http; https is better",
            hints.server_add(remote.address, allow_http=True),
        )
    name = find_vault(vault, current_registry().header.get("vault") or None).name

    def change(registry: Registry) -> None:
        _forget(registry, remote, SERVICES)
        registry.header.set("vault", name)
        if registry.server(remote.address) is None:
            registry.blocks.append(Block([("kind", SERVER), ("address", remote.address)]))

    update(change)
    console.out(f"{remote.address} is served; what you type to git for it is kept in {name}")
    if not no_git_config:
        _let_git_know()


def _add_services(remote: Remote, login: str | None, *, services: bool) -> None:
    if not services:
        raise UsageError("--login goes with --services", hints.help_of("server", "add"))
    if remote.protocol != "https":
        raise UsageError(f"{remote.host} must be reached over https", "https:// instead of http://")

    def change(registry: Registry) -> None:
        _forget(registry, remote, SERVER, SERVICES)
        block = Block([("kind", SERVICES), ("host", remote.host)])
        block.set("login", login)
        registry.blocks.append(block)

    update(change)
    console.out(f"{remote.address} is Azure DevOps Services from now on")
    console.err(f"Next: {hints.setup(f'{remote.address}/{hints.ORGANIZATION}')}")


def _let_git_know() -> None:
    try:
        configure.write()
    except UsageError as error:  # the server is registered; git can be told later
        say("error", f"git's configuration was not updated: {error.message}")
        say("hint", error.hint or hints.configure())


def _forget(registry: Registry, remote: Remote, *kinds: str) -> None:
    """Drop the blocks of these kinds that are about the server."""
    registry.blocks = [
        block
        for block in registry.blocks
        if block.get("kind") not in kinds
        or remote.address not in {block.get("address"), f"https://{block.get('host')}"}
    ]


@command.command("list")
def list_servers() -> None:
    """List the registered servers."""
    registry = current_registry()
    servers = registry.of_kind(SERVER)
    for block in servers:
        console.out(block.get("address"))
    for address in registry.services_addresses:
        login = registry.login_host(address)
        console.out(f"{address} (Azure DevOps Services{f', sign-in at {login}' if login else ''})")
    if not servers and not registry.services_addresses:
        say("hint", f"there is no server: {hints.server_add()}")


@command.command("remove")
@click.argument("url")
def remove_server(url: str) -> None:
    """Take a server off the list and forget what was typed for it."""
    remote = server_at(url)
    registry = current_registry()
    if registry.server(remote.address) is None and remote.address not in registry.services_addresses:
        raise UsageError(f"{remote.address} is not registered", hints.server_list())
    gone = [typed for typed in registry.typed if typed.address == remote.address]
    for typed in gone:
        vault = open_vault(typed.vault)
        remove(vault.read, vault.delete, f"{typed.id}/{TYPED}")

    update(lambda fresh: _forget(fresh, remote, SERVER, SERVICES, TYPED))
    console.out(f"{remote.address} is no longer served")
    for account in registry.accounts:
        if account.address == remote.address:
            name = unique_name(account, registry.accounts)
            say("hint", f"its account is still kept; to forget it: {hints.logout(name)}")
    configure.write_again()


def server_at(url: str) -> Remote:
    """Read a server's address; its path, if any, is no part of it. Raises UsageError for Microsoft's own hosts."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removesuffix(".")
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        host = port = ""
    if not _HOST.fullmatch(host) or port == ":0" or parts.scheme not in {"http", "https"}:
        raise UsageError("that is no server's address", hints.server_add())
    bracketed = f"[{host}]" if ":" in host else host
    remote = remote_of(Message([("protocol", parts.scheme), ("host", bracketed + port)]))
    if remote is None or remote.services or _is_microsofts(host):
        raise UsageError(f"{host} belongs to Microsoft: sign in instead", hints.setup())
    return remote


def _is_microsofts(host: str) -> bool:
    return (
        host in LOGIN_HOSTS
        or host == "login.live.com"
        or host.endswith((".visualstudio.com", ".dev.azure.com"))
        or host == "visualstudio.com"
    )
