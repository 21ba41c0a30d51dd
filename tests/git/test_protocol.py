"""protocol.py: the key=value lines, in both directions."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from git_credential_azdo.errors import ProtocolError
from git_credential_azdo.git.protocol import MAX_LINE, Message, format_pairs, parse, parse_pairs, split_blocks

BOTH_WAYS = [
    (b"", []),
    (b"a=b\n", [("a", "b")]),
    (b"a=\n", [("a", "")]),
    (b"a==\n", [("a", "=")]),
    (b"a=b=c\n", [("a", "b=c")]),
    (b"a= b \n", [("a", " b ")]),
    (b" a =b\n", [(" a ", "b")]),
    (b"a=\rb\n", [("a", "\rb")]),
    (b"a\r=b\n", [("a\r", "b")]),
    (b"z=1\na=2\nz=3\n", [("z", "1"), ("a", "2"), ("z", "3")]),
    (b"a[]=1\na[]=\na[]=2\n", [("a[]", "1"), ("a[]", ""), ("a[]", "2")]),
    ("k=Zoë \U0001f511\n".encode(), [("k", "Zoë \U0001f511")]),
    (b"k=\xff\xfe\x80\n", [("k", "\udcff\udcfe\udc80")]),
    ("ключ=1\n".encode(), [("ключ", "1")]),
    (b"\xff=1\n", [("\udcff", "1")]),
    (b"k=" + bytes(range(1, 10)) + bytes(range(11, 256)) + b"\n", None),
]

READ_ONLY = [
    (b"a=b", [("a", "b")], "the end ends a line too"),
    (b"a=b\r\nc=d\r\n", [("a", "b"), ("c", "d")], "CRLF"),
    (b"a=b\r", [("a", "b")], "CR and the end"),
    (b"a=b\r\r\n", [("a", "b\r")], "only one CR belongs to the line's end"),
    (b"a=b\n\nc=d\n", [("a", "b")], "a blank line ends the message"),
    (b"a=b\r\n\r\nc=d\r\n", [("a", "b")], "so does a blank line with CR"),
    (b"a=b\r\nc=d\n", [("a", "b\r"), ("c", "d")], "a CR of one line alone is a part of its value"),
    (b"a=b\nc=d\r\n", [("a", "b"), ("c", "d\r")], "also of the last one"),
    (b"\na=b\n", [], "a message may be empty"),
    (b"a=b\n\nno equals sign, NUL \0", [("a", "b")], "what follows the message is not looked at"),
]

REFUSED_LINES = [
    b"a",
    b"=b",
    b"=",
    b"a\n",
    b"a=b\nc\n",
    b"a=\0\n",
    b"\0=a\n",
    b"\0\n",
    b" \n",
    b"a=b\n\r\r\n",
]


@pytest.mark.parametrize(("data", "pairs"), BOTH_WAYS)
def test_lines_are_read_and_written_the_same(data: bytes, pairs: list[tuple[str, str]] | None) -> None:
    """What was read is written byte for byte."""
    if pairs is not None:
        assert parse_pairs(data) == pairs

    assert format_pairs(parse_pairs(data)) == data


@pytest.mark.parametrize(("data", "pairs", "why"), READ_ONLY, ids=[row[2] for row in READ_ONLY])
def test_lines_may_end_in_more_ways_than_ours(data: bytes, pairs: list[tuple[str, str]], why: str) -> None:
    """Git on Windows, people and old helpers end lines in their own ways."""
    assert parse_pairs(data) == pairs, why


@pytest.mark.parametrize("data", REFUSED_LINES)
def test_what_is_no_key_and_value_is_refused(data: bytes) -> None:
    """A line without a key, without ``=`` or with a NUL spoils the whole message."""
    with pytest.raises(ProtocolError) as caught:
        parse_pairs(data)

    assert caught.value.message == "a line is not of the form key=value"
    with pytest.raises(ProtocolError):
        parse(b"fine=1\n" + data.lstrip(b"\n"))


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_line_of_65535_bytes_is_read_and_one_more_is_refused(end: bytes) -> None:
    """The longest line that git promises; its end does not count."""
    longest = b"k=" + b"v" * 65_533

    assert MAX_LINE == 65_535
    assert parse(longest + end).get("k") == "v" * 65_533
    with pytest.raises(ProtocolError):
        parse(longest + b"v" + end)


def test_no_line_is_cut_however_long() -> None:
    """A header's text that looks like a line is not taken for one (git's t/lib-credential.sh, "long header")."""
    header = "basic " + "x" * 1_000 + "host=victim.example"

    message = parse(f"host=attacker.example\nwwwauth[]={header}\n".encode())

    assert message.get("host") == "attacker.example"
    assert message.all("wwwauth[]") == [header]


def test_every_cut_of_a_message_is_a_message_or_refused() -> None:
    """A message that stops in the middle gives what came whole, a shorter last value, or an error."""
    whole = b"protocol=https\nhost=dev.azure.com\npath=o/p/_git/r\n"

    for length in range(len(whole) + 1):
        cut = whole[:length]
        last = cut.rpartition(b"\n")[2]
        if last and b"=" not in last:
            with pytest.raises(ProtocolError):
                parse(cut)
        else:
            expected = [line.split(b"=") for line in cut.split(b"\n") if line]
            assert parse_pairs(cut) == [(key.decode(), value.decode()) for key, value in expected]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


VALUES = st.binary().map(lambda data: _text(data.translate(None, b"\n\0").rstrip(b"\r")))
KEYS = st.binary().map(lambda data: _text(data.translate(None, b"\n\0="))).filter(bool)


@given(st.lists(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=4), max_size=3))
@example([[("k", bytes(set(range(256)) - {0, 10}).decode("utf-8", "surrogateescape"))]])
def test_what_is_written_is_read_back(blocks: list[list[tuple[str, str]]]) -> None:
    """All bytes but newline and NUL, and CR at the end; nothing that may stand in a line ends a block."""
    written = [format_pairs(block) for block in blocks]
    assert [parse_pairs(data) for data in written] == blocks
    assert [parse_pairs(raw) for raw in split_blocks(b"\n".join(written))] == blocks


@given(st.binary())
def test_anything_is_read_or_refused_and_what_is_read_can_be_written(data: bytes) -> None:
    """No other error, and nothing that cannot be passed on, save a CR before the line's end."""
    try:
        pairs = parse_pairs(data)
    except ProtocolError:
        return
    for pair in pairs:
        if not pair[1].endswith("\r"):
            assert parse_pairs(format_pairs([pair])) == [pair]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("k", "a\nb"),
        ("k", "\n"),
        ("k", "a\0b"),
        ("k\n", "v"),
        ("k\0", "v"),
        ("", "v"),
        ("a=b", "v"),
        ("=", "v"),
        ("k", "v\r"),
        ("k", "\r"),
        ("k", "half a character: \ud800"),
        ("\ud800", "v"),
        ("k", "v" * 65_534),
        ("k", "é" * 32_767),
    ],
)
def test_what_would_not_be_read_back_is_never_written(key: str, value: str) -> None:
    """A newline in a value would be a second line of somebody else's making."""
    with pytest.raises(ProtocolError) as caught:
        format_pairs([("fine", "1"), (key, value)])

    assert caught.value.message == f"the value of {key!a} cannot be written as one line"
    assert caught.value.__cause__ is None


def test_the_longest_line_can_be_written() -> None:
    """Its length counts in bytes."""
    longest = [("k", "é" * 32_766 + "v")]

    data = format_pairs(longest)

    assert len(data) == MAX_LINE + len(b"\n")
    assert parse_pairs(data) == longest


@pytest.mark.parametrize("value", ["a\rb", "\ra", "a\nb", "a\0b"])
def test_a_file_may_refuse_more_characters(value: str) -> None:
    """Which ones, the caller says."""
    with pytest.raises(ProtocolError):
        format_pairs([("k", value)], "\n\r\0")


def test_the_caller_s_characters_stand_instead_of_the_usual_ones() -> None:
    """Any other character may pass."""
    assert format_pairs([("k", "a\rb")], "x") == b"k=a\rb\n"
    with pytest.raises(ProtocolError):
        format_pairs([("k", "a x")], "x")


def test_a_message_has_the_last_value_of_a_key_and_all_of_a_list() -> None:
    """git-credential.adoc: a later value replaces, a list grows, an empty value starts it anew."""
    message = parse(b"a=1\nl[]=1\nb=\na=2\nl[]=2\nm[]=x\nm[]=\nn[]=1\nn[]=\nn[]=2\n[]=q\n")

    assert message.fields == {"a": "2", "b": ""}
    assert message.lists == {"l[]": ["1", "2"], "m[]": [], "n[]": ["2"], "[]": ["q"]}
    assert (message.get("a"), message.get("b"), message.get("c"), message.get("l[]")) == ("2", "", None, None)
    assert message.all("l[]") == ["1", "2"]
    assert message.all("m[]") == message.all("absent[]") == message.all("a") == []


@given(st.permutations([("a", "1"), ("b", "2"), ("x", "odd"), ("l[]", "1"), ("c", "3")]))
def test_the_order_of_keys_does_not_matter(pairs: list[tuple[str, str]]) -> None:
    """Nor do unknown keys."""
    message = Message(pairs)

    assert [message.get(key) for key in "abc"] == ["1", "2", "3"]
    assert message.all("l[]") == ["1"]


def test_a_message_shows_its_keys_and_never_a_value() -> None:
    """Values may be secrets, and a repr lands in traces."""
    message = parse(b"username=somebody\npassword=hush\nl[]=quiet\n")

    assert repr(message) == "Message(['username', 'password', 'l[]'])"


def test_an_error_never_shows_a_value() -> None:
    """Neither of a line read nor of one to be written."""
    with pytest.raises(ProtocolError) as read:
        parse(b"password hush")
    with pytest.raises(ProtocolError) as written:
        format_pairs([("password", "hush\n")])

    assert "hush" not in f"{read.value!r}{written.value!r}"


@pytest.mark.parametrize(
    ("data", "blocks"),
    [
        (b"", []),
        (b"\n\n\n", []),
        (b"\r\n", []),
        (b"a=1", [b"a=1"]),
        (b"a=1\nb=2\n", [b"a=1\nb=2"]),
        (b"a=1\n\nb=2\n", [b"a=1", b"b=2"]),
        (b"\n\na=1\n\n\n\n\nb=2\n\n\n", [b"a=1", b"b=2"]),
        (b"a=1\r\nb=2\r\n\r\nc=3\r\n", [b"a=1\nb=2", b"c=3"]),
        (b"a=1\r\r\nb=2\r\r\n\r\r\nc=3\r\r\n", [b"a=1\nb=2", b"c=3"]),
        (b"a=1\n\r\r\nc=3\n", [b"a=1", b"c=3"]),
        (b"a=\r1\n", [b"a=\r1"]),
    ],
)
def test_a_file_is_split_at_blank_lines(data: bytes, blocks: list[bytes]) -> None:
    """However many, and however a careless copy ended the lines: nothing after a blank line is lost."""
    assert split_blocks(data) == blocks
