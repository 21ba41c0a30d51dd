"""``setup --pat --server``: the collections of an Azure DevOps Server on premises, as an account's organizations.

A collection is called by its whole address. Nothing of Entra is ever asked there; http is taken only for a server
that was registered so. Addresses: https://learn.microsoft.com/azure/devops/server/admin/websitesettings.
"""

from __future__ import annotations

from git_credential_azdo import hints
from git_credential_azdo.accounts.accounts_file import SERVER, AccountsFile, Block
from git_credential_azdo.accounts.save import load_accounts
from git_credential_azdo.accounts.update import update
from git_credential_azdo.commands.server import server_at
from git_credential_azdo.errors import UsageError
from git_credential_azdo.git.address import message_for
from git_credential_azdo.git.target import Collection, unquote


def collections(given: tuple[str, ...]) -> list[Collection]:
    """Read the addresses of collections. Raises UsageError."""
    return list(dict.fromkeys(_collection(url.strip()) for url in given))


def register(address: str) -> None:
    """Serve the server from now on, if that is not so already."""
    update(lambda accounts_file: _register(accounts_file, address))


def _register(accounts_file: AccountsFile, address: str) -> None:
    if accounts_file.server(address) is None and address not in accounts_file.services_addresses:
        accounts_file.blocks.append(Block([("kind", SERVER), ("address", address)]))


def _collection(url: str) -> Collection:
    address = server_at(url).address
    path = unquote(message_for(url).get("path") or "").partition("?")[0].strip("/").lower()
    if not path or "_git" in path.split("/"):
        raise UsageError(
            "--server takes the address of a collection",
            hints.setup_pat(server="https://tfs.example.com/DefaultCollection"),
        )
    if address.startswith("http:") and load_accounts().server(address) is None:
        raise UsageError(
            f"{address} would get the token in clear text over http",
            f"if that must be: {hints.server_add(address, allow_http=True)}",
        )
    return Collection(address, path, (address,))  # the person names it; it is registered with the account
