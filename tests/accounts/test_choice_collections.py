"""Which collection of a registered server an address means."""

from __future__ import annotations

import pytest

from git_credential_azdo.accounts.account import Block
from git_credential_azdo.accounts.accounts_file import AccountsFile
from git_credential_azdo.accounts.choice import AMBIGUOUS, CHOSEN, NOT_COVERED, choose, organization_and_user
from git_credential_azdo.git.target import Target

TFS = "https://tfs.example.com"


@pytest.mark.parametrize(
    ("path", "collection", "chosen"),
    [
        ("tfs/One/app/_git/app", f"{TFS}/tfs/one", "one"),
        ("TFS/ONE", f"{TFS}/tfs/one", "one"),
        ("tfs/One/Inner/_git/app", f"{TFS}/tfs/one/inner", "inner"),
        ("tfs/My%20Stuff/_git/app", f"{TFS}/tfs/my stuff", "mine"),
        ("tfs/OneMore/_git/app", f"{TFS}/tfs/onemore/_git/app", None),
        ("tfs", f"{TFS}/tfs", None),
        (None, None, None),
    ],
)
def test_the_longest_listed_path_is_the_collection(
    path: str | None, collection: str | None, chosen: str | None
) -> None:
    """Whole segments, in any case of letters, percent-decoded; an account of elsewhere has no say."""
    lists = {"one": "one", "inner": "one/inner", "mine": "my stuff"}
    accounts = [
        Block([("kind", "pat"), ("id", name), ("address", TFS), ("org[]", f"{TFS}/tfs/{collection}")])
        for name, collection in lists.items()
    ]
    other = Block([("kind", "pat"), ("id", "cloud"), ("org[]", "one"), ("default", "1")])
    server = Block([("kind", "server"), ("address", TFS)])
    accounts_file = AccountsFile(Block(), [server, *accounts, other], [])
    target = Target("https", "tfs.example.com", path=path)
    assert organization_and_user(target, accounts_file) == (collection, None)
    choice = choose(target, None, accounts_file)
    assert (choice.account.id if choice.account else None) == chosen
    assert choice.outcome == (CHOSEN if chosen else AMBIGUOUS if path is None else NOT_COVERED)


def test_the_only_collection_is_meant_when_git_sends_no_path() -> None:
    """So that a refusal is remembered for it; the user in the request stays whole."""
    block = Block([("kind", "pat"), ("id", "one"), ("name", "erin"), ("address", TFS), ("org[]", f"{TFS}/c")])
    server = Block([("kind", "server"), ("address", TFS)])
    accounts_file = AccountsFile(Block(), [server, block], [])
    for user in (None, "erin", "x"):
        target = Target("https", "tfs.example.com", user=user)
        assert organization_and_user(target, accounts_file) == (f"{TFS}/c", user)
        assert (choose(target, None, accounts_file).outcome == CHOSEN) == (user != "x")
