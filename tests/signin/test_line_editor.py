"""The line that is edited at the paste prompt, as bytes alone."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.signin.line_editor import LineEditor

START, END = b"\x1b[200~", b"\x1b[201~"


# --- the editor


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        (b"abc\r", ["abc"]),
        (b"abc\n", ["abc"]),
        (b"abc\r\ndef\r\n", ["abc", "def"]),
        (b"abc\n\n", ["abc", ""]),
        (b"abx\x7fc\r", ["abc"]),
        (b"abx\x08c\r", ["abc"]),
        (b"\x7f\x7fa\r", ["a"]),
        ("a\u20ac\u00e9".encode() + b"\x7f\x7f\r", ["a"]),
        (b"junk\x15abc\r", ["abc"]),
        (b"abc\x04", ["abc"]),
        (b"a\x16b\r", ["a\x16b"]),
        (b"\xff\r", ["\ufffd"]),
        (START + b"a\r\nb\x15\x7f\x04" + END + b"\r", ["a\rb\x15\x7f\x04"]),
        (START + b"abc" + END + b"\r" + START + b"d\r" + END + b"\n", ["abc", "d\r"]),
        (b"\x1b[A\r", ["\x1b[A"]),
        (b"\x1b\r", ["\x1b"]),
        (b"unfinished", []),
        (b"\x1b[20", []),
    ],
)
def test_keys_mend_the_line_and_paste_marks_protect_it(typed: bytes, lines: list[str]) -> None:
    """The same, whether the bytes come at once or one at a time."""
    editor = LineEditor()
    one_by_one = LineEditor()

    assert editor.feed(typed) == lines
    assert [line for byte in typed for line in one_by_one.feed(bytes([byte]))] == lines
    assert not editor.ended


def test_ctrl_d_on_an_empty_line_is_the_end() -> None:
    """Lines before it count; what follows it does not."""
    editor = LineEditor()

    assert editor.feed(b"abc\r\x04def\r") == ["abc"]
    assert editor.ended


@pytest.mark.parametrize("key", [b"\x03", b"\x1c"])
@pytest.mark.parametrize("before", [b"", b"abc", b"\x1b", START + b"a" + END])
def test_ctrl_c_and_ctrl_backslash_interrupt_as_keys(before: bytes, key: bytes) -> None:
    """The terminal delivers them as bytes, as a Windows console does."""
    with pytest.raises(KeyboardInterrupt):
        LineEditor().feed(before + key)


@pytest.mark.parametrize("key", [b"\x03", b"\x1c", b"\x1a"])
def test_ctrl_c_inside_a_paste_is_text(key: bytes) -> None:
    """Whoever made the text does not press keys here."""
    assert LineEditor().feed(START + b"a" + key + b"b" + END + b"\r") == [f"a{key.decode()}b"]


def test_a_line_without_end_is_bounded() -> None:
    """Nothing as long as that is an answer."""
    editor = LineEditor()

    for _ in range(3):
        editor.feed(bytes([65]) * (100 * 1024))

    assert len(editor) == 256 * 1024


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_no_bytes_break_the_editor(pieces: list[bytes]) -> None:
    """Whatever a terminal sends: lines, the end, or an interrupt."""
    whole, parts = LineEditor(), LineEditor()
    with contextlib.suppress(KeyboardInterrupt):
        together = whole.feed(b"".join(pieces))

        assert [line for piece in pieces for line in parts.feed(piece)] == together
