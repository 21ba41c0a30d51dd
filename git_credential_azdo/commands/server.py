"""``server``: which servers of one's own (Azure DevOps Server, any git server) keep typed credentials with us.

A registered server is scheme, host and port; it never gets a token of Entra, and Azure DevOps Services and login
hosts are refused here, since a typed credential would never be the right answer for them.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import click

from git_credential_azdo.accounts.account import TYPED, Block
from git_credential_azdo.accounts.registry import SERVER, Registry
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands import setup_git
from git_credential_azdo.commands.enrol import current_registry
from git_credential_azdo.errors import UsageError, say
from git_credential_azdo.git.remote import LOGIN_HOSTS, Remote, remote_of
from git_credential_azdo.git.wire import Message
from git_credential_azdo.tokens import open_vault
from git_credential_azdo.vault.find import find_vault
from git_credential_azdo.vault.secret import remove


@click.group("server")
def command() -> None:
    """Serve a server of your own: it keeps what you type to git, by protocol, host, path and user."""


@command.command("add")
@click.argument("url")
@click.option(
    "--allow-http", is_flag=True, help="Serve a server that only speaks http: secrets travel in clear text."
)
@click.option("--vault", metavar="NAME", help="Where secrets are kept: keyring, file, or a backend's name.")
@click.option("--no-git-config", is_flag=True, help="Leave git's configuration alone.")
def add(url: str, *, allow_http: bool, vault: str | None, no_git_config: bool) -> None:
    """Register the server URL, for example https://tfs.example.com:8443."""
    remote = _server(url)
    if remote.protocol == "http" and not allow_http:
        raise UsageError(
            f"{remote.host} would get passwords in clear text over http",
            f"git credential-azdo server add https://{remote.host}, or add --allow-http",
        )
    name = find_vault(vault, current_registry().header.get("vault") or None).name

    def change(registry: Registry) -> None:
        registry.header.set("vault", name)
        if registry.server(remote.address) is None:
            registry.blocks.append(Block([("kind", SERVER), ("address", remote.address)]))

    update(change)
    click.echo(f"{remote.address} is served; what you type to git for it is kept in {name}")
    if not no_git_config:
        try:
            setup_git.write_server(remote.address)
        except UsageError as error:  # the server is registered; git can be told by hand
            say("error", f"git does not know of us yet: {error.message}")
            say("hint", setup_git.BY_HAND)


@command.command("list")
def list_servers() -> None:
    """List the registered servers."""
    servers = current_registry().of_kind(SERVER)
    for block in servers:
        click.echo(block.get("address"))
    if not servers:
        say("hint", "there is no server: git credential-azdo server add https://tfs.example.com")


@command.command("remove")
@click.argument("url")
def remove_server(url: str) -> None:
    """Take a server off the list and forget what was typed for it."""
    remote = _server(url)
    registry = current_registry()
    if registry.server(remote.address) is None:
        raise UsageError(f"{remote.address} is not registered", "git credential-azdo server list")
    gone = [typed for typed in registry.typed if typed.address == remote.address]
    for typed in gone:
        vault = open_vault(typed.vault)
        remove(vault.read, vault.delete, f"{typed.id}/{TYPED}")

    def change(fresh: Registry) -> None:
        fresh.blocks = [
            block
            for block in fresh.blocks
            if block.get("kind") not in {SERVER, TYPED} or block.get("address") != remote.address
        ]

    update(change)
    click.echo(f"{remote.address} is no longer served")
    setup_git.undo(remote.address)


def _server(url: str) -> Remote:
    """Read a server's address; its path, if any, is no part of it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        host = port = ""
    if not host or parts.scheme not in {"http", "https"}:
        raise UsageError(
            "that is no server's address", "git credential-azdo server add https://tfs.example.com"
        )
    bracketed = f"[{host}]" if ":" in host else host
    remote = remote_of(Message([("protocol", parts.scheme), ("host", bracketed + port)]))
    if remote is None or remote.services or _is_microsofts(host):
        raise UsageError(f"{host} belongs to Microsoft: sign in instead", "git credential-azdo setup")
    return remote


def _is_microsofts(host: str) -> bool:
    return (
        host in LOGIN_HOSTS
        or host.endswith((".visualstudio.com", ".dev.azure.com"))
        or host == "visualstudio.com"
    )
