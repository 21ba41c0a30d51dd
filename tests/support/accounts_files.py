"""An accounts file with one account, written by hand, and a change of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_azdo.accounts.account import Block

if TYPE_CHECKING:
    from git_credential_azdo.accounts.accounts_file import AccountsFile

FILE = b"version=1\nsalt=5a17\n\nid=a1\nkind=oauth\ncolour=blue\n"


def add(accounts_file: AccountsFile, address: str = "https://tfs.example.com") -> str:
    """Change the accounts file."""
    accounts_file.blocks.append(Block([("kind", "server"), ("address", address)]))
    return "added"
