"""What people's verbs print and ask: nothing steers the terminal, nothing is misread, nothing typed is repeated."""

from __future__ import annotations

import io
import json
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.commands import console
from git_credential_azdo.errors import AzdoError, printable, report, say
from tests.conftest import SCRIPT
from tests.support.marks import dev_full
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home

TITLE = "\x1b]0;owned\x07"
STEERING = (
    "\0\a\b\t\n\v\f\r\x1b\x7f\x85\x9b\x9d\xa0\xad"  # C0, DEL, C1, blanks that are none
    "\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
    "\u034f\u115f\u1160\u17b4\u180b\u2800\u3164\ufe0f\uffa0\U000e0001\U000e0041\U000e0100\U000e01ef"
    "\ud800\udc9b\udcff\ue000\uffff\U0010ffff"
)


def test_what_steers_turns_or_hides_is_shown_as_a_question_mark() -> None:
    """Also what str.isprintable lets through: fillers, variation selectors and blanks that show as nothing."""
    assert [each for each in STEERING if printable(f"a{each}b") != "a?b"] == []


def test_what_people_write_stays() -> None:
    """Letters of every script, blanks and punctuation are no danger."""
    for text in ("", "contoso", "Jürgen Groß", "山田 太郎", "שלום", "a  b", "~!\\'\"`$"):
        assert printable(text) == text


@given(st.text(st.characters()))
def test_a_printable_text_is_one_line_without_control_or_format_characters(text: str) -> None:
    """Whatever comes in, of Unicode's categories no Cc, Cf, Cs, Co, Cn, Zl, Zp goes out, and the blank is the only Zs."""
    shown = printable(text)
    assert len(shown) == len(text)
    assert printable(shown) == shown
    assert all(each == " " or unicodedata.category(each)[0] not in "CZ" for each in shown)


def test_an_error_and_its_hint_are_printable_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """An address with ``%1b]0;title%07`` in it cannot set the terminal's title, nor forge a line of ours."""
    report(AzdoError(f"there is no {TITLE}", f"run\n{TITLE}"))
    say("hint", "a\ngit-credential-azdo: hint: rm -rf ~")
    assert capsys.readouterr().err == (
        "git-credential-azdo: error: there is no ?]0;owned?\n"
        "git-credential-azdo: hint: run??]0;owned?\n"
        "git-credential-azdo: hint: a?git-credential-azdo: hint: rm -rf ~\n"
    )


def test_every_line_on_either_stream_is_printable(capsys: pytest.CaptureFixture[str]) -> None:
    """One line stays one line; a page has as many as it is written with."""
    console.out(f"a{TITLE}\nb", lead="\x1b[31m", color="red")
    console.err(f"a{TITLE}\nb")
    console.page(f"one\n{TITLE}\r\n\u202ethree\n")
    seen = capsys.readouterr()
    assert seen.out == "?[31ma?]0;owned??b\none\n?]0;owned??\n?three\n"
    assert seen.err == "a?]0;owned??b\n"


def test_a_table_is_as_wide_as_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    """Cells are made printable before they are measured, the last is not padded, and what is not known is a hyphen."""
    console.table([["ann\x1b[2J", None, "x"], ["b", "\u202erow", ""]], ["name", "kept_as", "end"])
    assert capsys.readouterr().out == "NAME     KEPT AS  END\nann?[2J  -        x\nb        ?row     -\n"


def test_a_table_is_aligned_where_characters_take_two_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """As those of Chinese, Japanese and Korean names; a combining accent takes none."""
    console.table([["安", "x"], ["e\u0301e", "y"]], ["name", "end"])
    assert capsys.readouterr().out == "NAME  END\n安    x\ne\u0301e    y\n"


def test_a_line_that_is_too_long_goes_on_below_without_a_word_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Below where its text begins, on a narrow terminal further left; a pipe, and a command to copy, get one line."""
    text = "  vault  cannot be reached: /a/path/that/is/never/cut"
    shown = {}
    for columns in (0, 40, 24):
        monkeypatch.setattr(console, "is_terminal", lambda _, columns=columns: bool(columns))
        monkeypatch.setenv("COLUMNS", str(columns))
        console.out(text, lead="FAIL", indent=13)
        shown[columns] = capsys.readouterr().out.splitlines()
    console.out(text)
    assert capsys.readouterr().out == f"{text}\n"
    path = "/a/path/that/is/never/cut"
    assert shown == {
        0: [f"FAIL{text}"],
        40: ["FAIL  vault  cannot be reached:", f"{' ' * 13}{path}"],
        24: ["FAIL  vault  cannot be", "        reached:", f"        {path}"],
    }


def test_a_table_without_rows_is_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    """The names of the columns tell what would be there."""
    console.table([], ["id", "name"])
    assert capsys.readouterr().out == "ID  NAME\n"


@given(st.text(st.characters()))
def test_json_is_ascii_and_says_everything(text: str) -> None:
    """A document keeps the text, every character that could steer as an escape."""
    before, sys.stdout = sys.stdout, io.StringIO()
    try:
        console.json({"name": text})
        shown = sys.stdout.getvalue()
    finally:
        sys.stdout = before
    assert all(" " <= each <= "~" or each == "\n" for each in shown)
    assert json.loads(shown) == {"name": text}


def test_a_secret_is_printed_byte_for_byte(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """A password may be any bytes, and whoever pipes it on needs them all."""
    secret = new_password() + "\x1b\udcff\u202e"
    console.secret(secret)
    assert capfdbinary.readouterr().out == secret.encode("utf-8", "surrogateescape") + b"\n"


@pytest.mark.parametrize(("seconds", "shown"), [(None, None), (0, "1970-01-01T00:00:00Z"), (10**17, None)])
def test_an_instant_is_utc_or_nothing(seconds: int | None, shown: str | None) -> None:
    """The accounts file may hold any number, also one that is no time."""
    assert console.instant(seconds) == shown
    assert console.day(seconds) == (shown and shown[:10])


def test_what_the_code_page_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Windows code page or LC_ALL=C must not turn a name into a bug of ours."""
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="cp1252", newline="\n")
    monkeypatch.setattr(sys, "stdout", stream)
    console.out("Grüße, 山")
    stream.flush()
    assert written.getvalue() == "Grüße, \\u5c71\n".encode("cp1252")


@dev_full
@pytest.mark.parametrize("words", ["help", "--version", "completion bash"])
def test_a_full_disk_is_said_in_one_line(home: Home, words: str) -> None:
    """Standard output that cannot be written is no bug of ours, also where click writes it."""
    done = home.run("sh", "-c", f'exec "$0" {words} >/dev/full', SCRIPT)
    assert done.code == 1
    assert done.err == (
        "git-credential-azdo: error: cannot write to standard output: No space left on device\n"
    )


def test_a_prompt_takes_one_of_its_choices_and_repeats_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token pasted at the wrong prompt is asked over, not quoted."""
    token = new_password(52)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{token}\n2\n"))
    assert console.prompt(f"Choose{TITLE}", choices=("1", "2"), default="1") == "2"
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err == "Choose?]0;owned? [1]: Choose one of 1, 2\nChoose?]0;owned? [1]: "


def test_a_question_is_printable(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a token at Azure DevOps may stand in it."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    assert not console.confirm(f"Revoke {TITLE}?", default=False)
    assert capsys.readouterr().err == "Revoke ?]0;owned?? [y/N]: "


@pytest.mark.parametrize(
    ("setting", "colored"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colors_are_for_terminals_that_want_them(
    setting: dict[str, str], *, colored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """https://no-color.org; a pipe gets none in any case."""

    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    console.out(" fine", lead="ok", color="green")
    assert screen.getvalue() == ("\x1b[32mok\x1b[0m fine\n" if colored else "ok fine\n")


def test_only_console_and_errors_print() -> None:
    """Ruff bans click's and sys' streams; ``input`` it cannot ban, so it is looked for here."""
    package = Path(console.__file__).parents[1]
    for source in package.rglob("*.py"):
        text = source.read_text("utf-8")
        assert " input(" not in text, source
