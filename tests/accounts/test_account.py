"""account.py: what the accounts file's blocks mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.accounts.account import Account, Block, IssuedToken, number
from git_credential_azdo.accounts.accounts_file import StoredCredential

KEYS = st.sampled_from(["id", "kind", "org[]", "token[]"])
PAIRS = st.lists(st.tuples(KEYS, st.text(max_size=3)))


def account(*lines: str) -> Account:
    """Make an account of ``key=value`` lines."""
    return Account(Block(tuple(line.split("=", 1)) for line in lines))  # type: ignore[misc] # always two


def test_a_block_has_the_last_value_and_all_values_of_a_key() -> None:
    """An absent key is empty; whether it is there at all, one can ask."""
    block = Block([("a", "1"), ("b", ""), ("a", "2")])

    assert (block.get("a"), block.get("b"), block.get("c")) == ("2", "", "")
    assert (block.has("a"), block.has("b"), block.has("c")) == (True, True, False)
    assert (block.all("a"), block.all("b"), block.all("c")) == (["1", "2"], [""], [])
    assert Block().pairs == []


def test_a_new_value_stands_where_the_old_one_stood() -> None:
    """A person who reads the file finds it again."""
    block = Block([("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")])

    block.set("a", "5")
    block.set("b", "")
    block.set("d", "6")

    assert block.pairs == [("a", "5"), ("b", ""), ("c", "4"), ("d", "6")]


def test_no_value_removes_the_key() -> None:
    """And nothing else."""
    block = Block([("a", "1"), ("b", "2"), ("a", "3")])

    block.set("a", None)
    block.set("absent", None)

    assert block.pairs == [("b", "2")]


@given(PAIRS, KEYS, st.lists(st.text(max_size=3), max_size=3))
def test_setting_a_key_changes_no_other(pairs: list[tuple[str, str]], key: str, values: list[str]) -> None:
    """Neither their values nor their order, nor the list the block was made of."""
    before = list(pairs)
    block = Block(pairs)
    others_first = [name for name, _ in pairs]
    others_first = others_first[: others_first.index(key)] if key in others_first else others_first

    block.set_all(key, values)

    assert pairs == before
    assert block.all(key) == values
    assert [pair for pair in block.pairs if pair[0] != key] == [pair for pair in pairs if pair[0] != key]
    assert [name for name, _ in block.pairs[: len(others_first)]] == others_first


def test_an_account_is_what_its_block_says() -> None:
    """Names of organizations and tenants are compared in lower case, also when a person wrote them."""
    full = account(
        "id=4f", "kind=pat", "name=Jo@Contoso.com", "alias=Work", "tenant=ABC", "vault=file",
        "org[]=contoso", "org[]=Fabrikam", "expires_utc=1790000000", "default=1",
    )  # fmt: skip

    assert (full.id, full.kind, full.vault, full.name, full.alias) == (
        "4f",
        "pat",
        "file",
        "Jo@Contoso.com",
        "Work",
    )
    assert (full.tenant, full.organizations) == ("abc", ["contoso", "fabrikam"])
    assert (full.expires_utc, full.default) == (1_790_000_000, True)


def test_an_account_may_lack_all_but_its_id() -> None:
    """Nothing then stands in for what is missing."""
    bare = account("id=4f", "kind=oauth")

    assert (bare.name, bare.alias, bare.tenant, bare.vault, bare.organizations) == ("", "", "", "", [])
    assert (bare.expires_utc, bare.default, bare.issued_tokens) == (None, False, [])


@pytest.mark.parametrize("value", ["", "0", "yes", "true", "11"])
def test_only_1_makes_a_default(value: str) -> None:
    """One way to say it."""
    assert not account("id=4f", f"default={value}").default


@pytest.mark.parametrize(
    ("lines", "label"),
    [
        (["id=4f", "name=jo@contoso.com", "alias=work"], "work"),
        (["id=4f", "name=jo@contoso.com"], "jo@contoso.com"),
        (["id=4f"], "4f"),
    ],
)
def test_the_label_is_a_name_that_finds_the_account(lines: list[str], label: str) -> None:
    """The shortest that the person gave."""
    assert account(*lines).label == label
    assert account(*lines).is_named(label)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("jo@contoso.com", True),
        ("JO@contoso.COM", True),
        ("work", True),
        ("wOrK", True),
        ("4f", True),
        ("jo", False),
        ("jo@contoso.co", False),
        ("contoso.com", False),
        ("", False),
    ],
)
def test_an_account_answers_to_its_name_alias_and_id(name: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """In any case, whole, and to nothing else."""
    assert account("id=4f", "name=Jo@Contoso.com", "alias=Work").is_named(name) == expected


SERVES = [  # kind, what it lists, the organization, lists it, can serve it
    ("pat", ["contoso"], "contoso", True, True),
    ("pat", ["contoso"], "fabrikam", False, False),
    ("pat", ["contoso"], "contos", False, False),
    ("pat", ["*"], "fabrikam", True, True),
    ("pat", ["contoso", "*"], "fabrikam", True, True),
    ("pat", [], "contoso", False, False),
    ("oauth", ["contoso"], "contoso", True, True),
    ("oauth", ["contoso"], "fabrikam", False, True),
    ("oauth", [], "fabrikam", False, True),
]


@pytest.mark.parametrize(("kind", "listed", "organization", "lists", "serves"), SERVES)
def test_a_pat_serves_only_what_it_lists(
    kind: str, listed: list[str], organization: str, *, lists: bool, serves: bool
) -> None:
    """For a sign-in the list is a preference."""
    one = account("id=4f", f"kind={kind}", *(f"org[]={name}" for name in listed))

    assert one.lists(organization) == lists
    assert one.can_serve(organization) == serves
    assert one.can_serve(None)


def test_marks_are_read_and_written_the_same() -> None:
    """Tenant, digest, time received and whether it was dropped; no tenant is written as a dash."""
    lines = ["token[]=t1 aa 100", "token[]=- bb 90 dropped", "token[]=t1 cc 80 dropped"]
    one = account("id=4f", *lines)

    marks = [(mark.tenant, mark.digest, mark.received, mark.dropped) for mark in one.issued_tokens]
    one.set_issued_tokens(one.issued_tokens)

    assert marks == [("t1", "aa", 100, False), ("", "bb", 90, True), ("t1", "cc", 80, True)]
    assert [f"token[]={value}" for value in one.block.all("token[]")] == lines


@pytest.mark.parametrize("text", ["", "t", "t d", "t d x", "t d -1", "t d 1.5"])
def test_a_mark_that_cannot_be_read_is_no_mark(text: str) -> None:
    """The others still count."""
    one = account("id=4f", f"token[]={text}", "token[]=t d 7")

    assert [mark.received for mark in one.issued_tokens] == [7]


def test_the_newest_two_marks_of_each_tenant_are_saved() -> None:
    """A long clone hands back the token before the last one."""
    one = account("id=4f")

    one.set_issued_tokens(IssuedToken(tenant, f"d{at}", at) for at in (9, 8, 7, 6) for tenant in ("", "t"))

    assert [(mark.tenant, mark.received) for mark in one.issued_tokens] == [
        ("", 9),
        ("t", 9),
        ("", 8),
        ("t", 8),
    ]
    one.set_issued_tokens([])
    assert one.block.pairs == [("id", "4f")]


def test_a_rejection_is_saved_for_each_organization() -> None:
    """Newest time wins, others stay, and it says whether anything changed."""
    one = account("id=4f")

    one.set_rejected("contoso", 100)
    one.set_rejected(None, 50)
    one.set_rejected("contoso", 200)
    one.set_rejected("fabrikam", None)
    assert one.block.all("rejected[]") == ["- 50", "contoso 200"]
    assert (one.rejected_at("contoso"), one.rejected_at(None), one.rejected_at("fabrikam")) == (200, 50, None)
    assert one.rejected_at("contos") is None

    one.set_rejected("contoso", None)
    assert (one.rejected_at("contoso"), one.rejected_at(None)) == (None, 50)
    one.set_rejected(None, None)
    assert one.block.pairs == [("id", "4f")]


def test_a_rejection_without_a_time_is_none() -> None:
    """A person may have written it."""
    assert account("id=4f", "rejected[]=contoso soon").rejected_at("contoso") is None


def test_a_typed_credential_tells_the_empty_user_from_none() -> None:
    """Git does, too."""
    absent = StoredCredential(Block([("kind", "typed"), ("address", "https://tfs.example.com")]))
    empty = StoredCredential(Block([("username", ""), ("path", ""), ("organization", "")]))
    full = StoredCredential(Block([("username", "Jo"), ("path", "P/r"), ("organization", "contoso")]))

    assert (absent.user, absent.path, absent.organization) == (None, None, None)
    assert (empty.user, empty.path, empty.organization) == ("", "", None)
    assert (full.user, full.path, full.organization) == ("Jo", "P/r", "contoso")
    assert (absent.address, empty.address) == ("https://tfs.example.com", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("007", 7),
        ("9" * 18, 999_999_999_999_999_999),
        ("9" * 19, None),
        ("9" * 5_000, None),
        ("", None),
        ("-1", None),
        ("+1", None),
        (" 1", None),
        ("1_0", None),
        ("1.0", None),
        ("\u0661", None),
        ("\u00b2", None),
    ],
)
def test_a_number_is_digits_and_nothing_else(text: str, expected: int | None) -> None:
    """Whatever a file, or git, holds: never an exception."""
    assert number(text) == expected
