"""accounts_file.py: the file that lists accounts, read; and that what was read is written back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.accounts.accounts_file import AccountsFile, read
from git_credential_azdo.accounts.update import render
from git_credential_azdo.errors import ProtocolError

FILE = b"""\
version=1
salt=5a17
vault=file

id=a1
kind=oauth
name=jo@contoso.com
org[]=contoso
org[]=fabrikam
colour=blue

kind=server
address=https://tfs.example.com:8443

kind=binding
target=contoso
account=a1

kind=binding
target=contoso/p/r
account=p1

kind=learned
organization=contoso
tenant=t1

kind=learned
organization=empty

kind=wormhole
from=the future

id=p1
kind=pat

id=t1
kind=typed
address=https://tfs.example.com:8443

id=t2
kind=typed
address=https://tfs.example.com:8443
username=
"""


@pytest.fixture
def accounts_file() -> AccountsFile:
    """Read the file above."""
    return read(FILE)


def test_every_kind_of_block_is_found(accounts_file: AccountsFile) -> None:
    """Accounts in the file's order, stored credentials the newest first."""
    assert [account.id for account in accounts_file.accounts] == ["a1", "p1"]
    assert [typed.id for typed in accounts_file.stored_credentials] == ["t2", "t1"]
    assert [block.get("target") for block in accounts_file.of_kind("binding")] == ["contoso", "contoso/p/r"]
    assert accounts_file.of_kind("absent") == []
    assert (accounts_file.header.get("version"), accounts_file.header.get("vault"), accounts_file.salt) == (
        "1",
        "file",
        b"5a17",
    )
    assert accounts_file.damaged == []


def test_blocks_are_looked_up_whole(accounts_file: AccountsFile) -> None:
    """By the exact address, target, organization or id."""
    server = accounts_file.server("https://tfs.example.com:8443")
    account = accounts_file.account("a1")

    assert server is not None
    assert server.get("kind") == "server"
    assert accounts_file.server("https://tfs.example.com") is None
    assert (accounts_file.binding("contoso"), accounts_file.binding("contoso/p/r")) == ("a1", "p1")
    assert accounts_file.binding("contoso/p") is None
    assert (accounts_file.tenant_of("contoso"), accounts_file.tenant_of("empty")) == ("t1", None)
    assert (accounts_file.tenant_of("fabrikam"), accounts_file.tenant_of(None)) == (None, None)
    assert account is not None
    assert account.name == "jo@contoso.com"
    assert accounts_file.account("t1") is None
    assert accounts_file.account("") is None


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_file_is_written_back_as_it_was_read(end: bytes) -> None:
    """Unknown keys and blocks too."""
    assert render(read(FILE.replace(b"\n", end))) == FILE


@pytest.mark.parametrize("data", [b"", b"\n", b"\n\n\r\n"])
def test_an_empty_file_is_an_empty_accounts_file(data: bytes) -> None:
    """It has no salt until the first write."""
    accounts_file = read(data)

    assert (
        accounts_file.accounts,
        accounts_file.stored_credentials,
        accounts_file.blocks,
        accounts_file.damaged,
    ) == (
        [],
        [],
        [],
        [],
    )
    assert (accounts_file.salt, accounts_file.header.pairs) == (b"", [])


@pytest.mark.parametrize(
    "damage",
    [
        b"id=x\nkind=oauth\ngarbage",
        b"id=x\nkind=oauth\n=novalue",
        b"id=x\nkind=oauth\nname=\0",
        b"garbage",
        b"id=x\nname=no kind",
        b"id=x\nkind=",
        b"kind=oauth\nname=no id",
        b"kind=pat\nid=",
        b"kind=typed\naddress=https://tfs.example.com",
        b"version=1\nsalt=another",
        b"id=x\nkind=oauth\nname=" + b"x" * 65_536,
    ],
)
@pytest.mark.parametrize("where", ["before", "between", "after"])
def test_a_damaged_block_costs_no_other_account(damage: bytes, where: str) -> None:
    """It is kept aside as it is."""
    at = {"before": FILE.index(b"id=a1"), "between": FILE.index(b"kind=wormhole"), "after": len(FILE)}[where]

    accounts_file = read(FILE[:at] + b"\n" + damage + b"\n\n" + FILE[at:])

    assert accounts_file.damaged == [damage]
    assert render(accounts_file) == FILE


@pytest.mark.parametrize("version", ["2", "", "1.1", "10"])
def test_a_newer_file_is_refused(version: str) -> None:
    """We would write it back wrong; the hint says what to do."""
    with pytest.raises(ProtocolError) as caught:
        read(FILE.replace(b"version=1\n", f"version={version}\n".encode()))

    assert caught.value.message == "the accounts file was written by a newer version of this program"
    assert caught.value.hint == "pipx upgrade git-credential-azdo"


def test_the_header_need_not_stand_first() -> None:
    """A person may have moved it."""
    accounts_file = read(b"kind=pat\nid=p\n\nsalt=5a17\nversion=1\n")

    assert (accounts_file.salt, len(accounts_file.accounts)) == (b"5a17", 1)


def test_a_kind_makes_a_block_no_header() -> None:
    """Whatever keys it has."""
    accounts_file = read(b"kind=future\nversion=7\n\nversion=1\nsalt=5a17\n")

    assert accounts_file.salt == b"5a17"
    assert [block.get("kind") for block in accounts_file.blocks] == ["future"]


def test_a_salt_that_a_person_spoiled_is_still_bytes() -> None:
    """Digests will not match then; nothing else happens."""
    assert read("version=1\nsalt=ü1\n".encode()).salt == b"?1"


WORDS = st.text(
    st.characters(exclude_characters="\n\r\0=", exclude_categories=["Cs"]), min_size=1, max_size=8
)
VALUES = st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), max_size=8)
BLOCKS = st.lists(st.tuples(WORDS, VALUES), max_size=4)
KINDS = st.sampled_from(["server", "binding", "learned", "future"])


@given(st.lists(st.tuples(KINDS, BLOCKS), max_size=4))
def test_unknown_keys_and_blocks_survive(blocks: list[tuple[str, list[tuple[str, str]]]]) -> None:
    """In place and in order, whatever a later version puts there."""
    written = [[("version", "1")]] + [[*pairs, ("kind", kind)] for kind, pairs in blocks]
    data = "\n\n".join("\n".join(f"{key}={value}" for key, value in pairs) for pairs in written).encode()

    accounts_file = read(data)

    assert [accounts_file.header.pairs, *(block.pairs for block in accounts_file.blocks)] == written
    assert accounts_file.damaged == []


LINES = st.sampled_from(
    [
        "",
        "",
        "kind=pat",
        "kind=oauth",
        "id=1",
        "version=1",
        "x",
        "=y",
        "a=b=c",
        "org[]=o",
        "org[]=",
        "k=é",
        "k=\udcff",
    ]
)


@given(st.lists(LINES, max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_writing_what_was_read_is_idempotent(lines: list[str], end: str) -> None:
    """Reading that again gives the same, with nothing damaged left, and no line is lost on the way."""
    data = end.join(lines).encode("utf-8", "surrogateescape")
    accounts_file = read(data)

    once = render(accounts_file)
    again = read(once)

    assert render(again) == once
    assert again.damaged == []
    assert [block.pairs for block in again.blocks] == [block.pairs for block in accounts_file.blocks]
    saved = b"\n".join([once, *accounts_file.damaged]).split(b"\n")
    assert sorted(filter(None, saved)) == sorted(
        line.encode("utf-8", "surrogateescape") for line in lines if line
    )
