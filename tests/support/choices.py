"""Accounts files of a few words, and what is decided over them."""

from __future__ import annotations

from git_credential_azdo.accounts.accounts_file import AccountsFile, read
from git_credential_azdo.accounts.choice import CHOSEN, PERSONAL_TENANTS, STORED_CREDENTIAL, Choice
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import Target, target_of

T1 = "11111111-1111-4111-8111-111111111111"
T2 = "22222222-2222-4222-8222-222222222222"
CONSUMERS, TRANSFER = sorted(PERSONAL_TENANTS)

JO = f"id=jo kind=oauth name=Jo@Contoso.com alias=Work tenant={T1} org[]=contoso"
TYPED_LATER = "id=t2 kind=typed address=https://dev.azure.com organization=contoso username=Ann"
TYPED_BARE = "id=t5 kind=typed address=https://dev.azure.com organization=contoso username=contoso"


def bound(target: str, account: str) -> str:
    """Write a binding; its target may hold spaces."""
    return f"kind=binding account={account} target={target.replace(' ', '~')}"


def accounts_file(*blocks: str) -> AccountsFile:
    """Read an accounts file of blocks whose lines are separated by spaces here (a ``~`` stands for a space)."""
    written = ["version=1\nsalt=00", *(block.replace(" ", "\n").replace("~", " ") for block in blocks)]
    return read("\n\n".join(written).encode())


def about(url: str) -> Target:
    """Return what git asks about for ``[user@]host[/path]`` over https."""
    authority, slash, path = url.partition("/")
    user, at, host = authority.rpartition("@")
    pairs = [("protocol", "https"), ("host", host)]
    pairs += [("username", user)] * bool(at) + [("path", path)] * bool(slash)
    target = target_of(Message(pairs))
    assert target is not None
    return target


def decided(choice: Choice) -> str:
    """Say what was decided: an id, or the outcome."""
    if choice.account:
        assert (choice.outcome, choice.stored) == (CHOSEN, None)
        return choice.account.id
    if choice.stored:
        assert choice.outcome == STORED_CREDENTIAL
        return choice.stored.id
    assert choice.outcome not in {CHOSEN, STORED_CREDENTIAL}
    return choice.outcome
