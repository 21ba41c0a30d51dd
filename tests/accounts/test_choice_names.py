"""choice.py: the shortest name that means one account, and the account that a name means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.accounts.account import Account, Block
from git_credential_azdo.accounts.accounts_file import AccountsFile
from git_credential_azdo.accounts.choice import choose, shown_name, unique_name, unique_names
from git_credential_azdo.accounts.save import account_named
from git_credential_azdo.errors import UsageError
from git_credential_azdo.git.target import Organization


def account(
    identifier: str, name: str = "", alias: str = "", *organizations: str, kind: str = "pat"
) -> Account:
    """Make an account."""
    pairs = [("kind", kind), ("id", identifier), ("name", name)]
    return Account(
        Block([*pairs, *([("alias", alias)] if alias else []), *(("org[]", o) for o in organizations)])
    )


@pytest.mark.parametrize(
    ("accounts", "names"),
    [
        ([account("1", "ann")], ["ann"]),
        ([account("1", "ann", "work")], ["work"]),
        ([account("1", "ann", "work"), account("2", "Work")], ["ann", "Work/pat"]),
        ([account("1", "ann", kind="oauth"), account("2", "ANN")], ["ann/oauth", "ANN/pat"]),
        ([account("1", "ann", "", "x"), account("2", "ann", "", "x", "y")], ["1", "ann/y"]),
        (
            [
                account("1", "ann", "", "x"),
                account("2", "ann", "", "y"),
                account("3", "ann", "", "x", kind="oauth"),
            ],
            ["ann/pat/x", "ann/y", "ann/oauth"],
        ),
        ([account("1", "ann"), account("2", "ANN")], ["1", "2"]),
        ([account("1", "ann", "a"), account("2", "ann", "b"), account("3", "ann")], ["a", "b", "3"]),
        ([account("1")], ["1"]),
    ],
)
def test_the_shortest_name_that_means_one(accounts: list[Account], names: list[str]) -> None:
    """The alias, else the sign-in name, if need be with kind and organization, else the id."""
    assert [unique_name(each, accounts) for each in accounts] == names


def test_the_shortest_name_is_one_for_the_user_of_a_request() -> None:
    """git says which accounts fit by these names, so that credential.username may be any of them."""
    accounts = [account("1", "ann", "", "contoso", kind="oauth"), account("2", "ann", "", "contoso")]
    accounts_file = AccountsFile(Block(), [each.block for each in accounts], [])
    for each in accounts:
        target = accounts_file.target_at(Organization("contoso"), unique_name(each, accounts).upper())
        chosen = choose(target, None, accounts_file).account
        assert chosen
        assert chosen.id == each.id


def test_an_alias_or_an_id_is_shown_with_whose_it_is() -> None:
    """A name that means one account needs nothing beside it."""
    accounts = [
        account("1", "ann"),
        account("2", "ann"),
        account("3", "", "ANN"),
        account("4"),
        account("5", "bob"),
    ]
    assert shown_name(account("6", "ann", "work"), "work") == "ann (work)"
    names = unique_names(accounts)
    assert [shown_name(each, names[each.id]) for each in accounts] == [
        "ann (1)",
        "ann (2)",
        "ANN (3)",
        "4",
        "bob",
    ]


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "ann", "Ann", "bob"]), st.sampled_from(["", "ann", "work", "BOB"])),
        min_size=1,
        max_size=5,
    )
)
def test_the_name_given_is_the_name_taken(named: list[tuple[str, str]]) -> None:
    """Whatever the accounts are called, what we print finds the account again."""
    accounts = [account(f"id{number}", *words) for number, words in enumerate(named)]
    for each in accounts:
        assert account_named(unique_name(each, accounts), accounts) is each


@pytest.mark.parametrize(
    ("accounts", "message", "hint"),
    [
        ([], "there is no account", "git credential-azdo setup"),
        (
            [account("1", "bob"), account("2", "carl", "c")],
            "no account is named ann; known accounts: bob, c",
            "git credential-azdo accounts",
        ),
        (
            [
                account("1", "ann", "", "x", "y"),
                account("2", "Ann", "my", "*"),
                account("3", "ann", kind="oauth"),
            ],
            "several accounts are named ann",
            "use one of these names: ann/x (pat for x, y), my (pat for all organizations), ann/oauth (oauth)",
        ),
    ],
)
def test_none_or_several_are_reported(accounts: list[Account], message: str, hint: str) -> None:
    """With the names that would do."""
    with pytest.raises(UsageError) as caught:
        account_named("ann", accounts)
    assert (caught.value.message, caught.value.hint) == (message, hint)
