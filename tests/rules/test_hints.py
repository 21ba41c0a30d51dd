"""hints.py: every command that we tell people, quoted for the shell that reads it, and in no other place."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo import errors, hints
from git_credential_azdo.commands import cli
from git_credential_azdo.errors import printable
from tests.support.source import MODULES, tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ATTACKS = [
    "$(touch owned)",
    "`touch owned`",
    "a; touch owned",
    "a && touch owned",
    "a | tee owned",
    "a > owned",
    "a\ntouch owned",
    "a\x1b]0;owned\x07",
    "it's $(touch owned)",
    "' ; touch owned ; '",
    '" ; touch owned ; "',
    "\\'; touch owned; \\'",
    "a # b",
    "!touch",
    "~root",
    "*",
    "=ls",
    "%self",
    "{a,b}",
    "\u202etxt.exe",
    "two words",
    "Jürgen",
    "",
]
OPTIONS = ["--all", "-h", "--org", "-", "--", "--exec=touch owned"]
"""Names that our own verbs could take for options: an account of this name makes ``logout NAME`` forget everything."""

KNOWN = {"python": "python3", "source": "file", "line": ["accounts"], "way": "service-principal"}
"""Arguments that are no names: a program of ours, one of click's choices, a whole command line, a subcommand."""


def every_hint(value: str) -> Iterator[str]:
    """Return every command that hints can make, with this value for each name in it."""
    for function in commands():
        for switch in (False, True):
            yield function(**arguments(function, value, switch=switch))


def commands() -> list[Callable[..., str]]:
    """Return the functions that make a command."""
    found = inspect.getmembers(hints, inspect.isfunction)
    return [
        function
        for name, function in found
        if function.__module__ == hints.__name__ and not name.startswith("_")
    ]


def arguments(function: Callable[..., str], value: str, *, switch: bool) -> dict[str, Any]:
    """Return arguments by their annotated types; a ``*`` parameter gets none."""
    filled: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind == parameter.VAR_POSITIONAL:
            continue
        if name in KNOWN:
            filled[name] = KNOWN[name]
        elif parameter.annotation == "str":
            filled[name] = value
        elif parameter.annotation == "bool":
            filled[name] = switch
        elif parameter.annotation == "int":
            filled[name] = 7 if switch else 0
        else:
            assert parameter.annotation == "Iterable[str]"
            filled[name] = errors.options(alias=value) if switch else []
    return filled


@given(st.lists(st.text(st.characters(), max_size=12), min_size=1, max_size=4))
def test_a_shell_finds_the_words_again(words: list[str]) -> None:
    """Whatever is in them; what would not be shown is replaced before it is quoted, so printing changes nothing."""
    line = errors.command(*words)
    assert shlex.split(line) == [printable(word) for word in words]
    assert printable(line) == line


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_hint_runs_what_a_name_says(attack: str, tmp_path: Path) -> None:
    """Each hint, pasted into a real shell in which its programs only list their arguments."""
    programs = "git", "chmod", "rm", "touch", "pipx", "pip", "az", "python3"
    script = "".join(f"{name}() {{ printf '<%s>' \"$@\"; echo; }}\n" for name in programs)
    (tmp_path / "file-with-the-token").touch()
    lines = [line for line in every_hint(attack) if line.partition(" ")[0] in programs]
    assert len(lines) > 60
    done = subprocess.run(
        ["/bin/sh", "-c", script + "\n".join(lines)],
        cwd=tmp_path,
        env={"PATH": "/nowhere", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        check=False,
    )
    assert not done.stderr
    assert done.stdout.count(b"\n") == len(lines)
    assert [each.name for each in tmp_path.iterdir()] == ["file-with-the-token"]


@pytest.mark.parametrize("name", [*OPTIONS, "ann@contoso.com", "two words"])
def test_our_own_verbs_take_a_name_for_a_name(name: str) -> None:
    """Every hint is a command line that we understand, and what stands for a name arrives as one."""
    for line in every_hint(name):
        words = shlex.split(line.partition(" < ")[0])
        if words[:2] == ["git", "credential-azdo"] and words[2:] and words[-1] != "-h":
            given = parsed(words[2:])
            values = [
                each
                for value in given.values()
                for each in (value if isinstance(value, (tuple, list)) else [value])
            ]
            if "--" in words:
                words.remove("--")
            assert values.count(name) == sum(word == name or word.endswith(f"={name}") for word in words), (
                line
            )
            assert not given.get("everybody")


def test_git_takes_the_name_of_a_remote_for_a_name(tmp_path: Path) -> None:
    """Which a repository's file may have written as it likes."""
    for name in ("--push", "-f"):
        subprocess.run(["git", "init", "-q", tmp_path], check=True)
        subprocess.run(["git", "config", f"remote.{name}.url", "https://before"], cwd=tmp_path, check=True)
        subprocess.run(shlex.split(hints.set_url("https://after", name)), cwd=tmp_path, check=True)
        asked = ["git", "config", f"remote.{name}.url"]
        assert (
            subprocess.run(asked, cwd=tmp_path, capture_output=True, check=True).stdout == b"https://after\n"
        )


def parsed(words: list[str]) -> dict[str, Any]:
    """Let click take a command line apart, without reading the values; return those of its parameters."""
    command: click.Command = cli.group
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, words
        command, words = found, words[1:]
    # click keeps the help option that a command had in its first context, for every later test of this process.
    above = click.Context(cli.group, **cli.group.context_settings)
    context = click.Context(command, info_name=command.name, parent=above)
    given, rest, _ = command.make_parser(context).parse_args(list(words))
    assert rest == []
    assert [each.name for each in command.params if each.required and not given.get(each.name or "")] == []
    return given


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("contoso", "contoso"),
        ("ann@contoso.com", "ann@contoso.com"),
        ("https://dev.azure.com/contoso", "https://dev.azure.com/contoso"),
        ("two words", '"two words"'),
        ("", '""'),
        ("a&calc", '"a&calc"'),
        ("a|calc", '"a|calc"'),
        ("a^b", '"a^b"'),
        ("a;calc", '"a;calc"'),
        ("a,b", '"a,b"'),
        ("(calc)", '"(calc)"'),
        ("@args", '"@args"'),
        ("it's", '"it\'s"'),
        ("$(calc)", '"?(calc)"'),
        ("`n", '"?n"'),
        ('a" & calc & "', '"a? & calc & ?"'),
        ("a\u201d; calc; \u201c", '"a?; calc; ?"'),
        ("%USERNAME%", '"?USERNAME?"'),
        ("my%20project", '"my%20project"'),
        ("100%", '"100?"'),
        ("!x!", '"?x!"'),
        ("^$", '"^$"'),
        ("^!", '"^!"'),
        ("^a\\$", '"^a\\?"'),
        ("C:\\Program Files\\x", '"C:\\Program Files\\x"'),
        ("C:\\x\\", '"C:\\x\\\\"'),
        ("a\x1b[2Jb", '"a?[2Jb"'),
        ("a\r\ncalc", '"a??calc"'),
    ],
)
def test_on_windows_the_quotes_hold_in_every_shell(word: str, quoted: str) -> None:
    """cmd.exe, PowerShell and Git Bash all know double quotes; what one of them obeys inside these is replaced."""
    assert errors.quote(word, windows=True) == quoted


@given(st.text(st.characters(), max_size=20))
def test_on_windows_nothing_inside_the_quotes_is_obeyed(word: str) -> None:
    """No second quote, no expansion of any of the three shells, no variable of cmd.exe."""
    quoted = errors.quote(word, windows=True)
    inner = quoted[1:-1] if quoted[:1] == '"' else quoted
    literal = inner[-1:] in {"$", "!"} and inner[-2:-1] != "\\"
    assert not set(inner[: len(inner) - literal]) & set('"$`!\u201c\u201d\u201e\r\n')
    assert all(part[:2].isalnum() and len(part) >= 2 for part in inner.split("%")[1:])
    assert (len(inner) - len(inner.rstrip("\\"))) % 2 == 0


def test_every_command_stands_in_hints() -> None:
    """What begins a command elsewhere would be quoted by nobody, and be one more place to change."""
    beginnings = (
        "git credential-azdo ",
        "git config ",
        "git remote ",
        "pipx ",
        "pip install",
        "chmod ",
        "az login",
        "unset ",
    )
    found = [
        f"{name}:{text!r}"
        for name, source in MODULES.items()
        if name != "hints.py"
        for text in texts(tree(source))
        if any(re.search(rf"(?<![\w-]){beginning}", f"{text} ") for beginning in beginnings)
        and not text.startswith("!")  # git runs that, no person
    ]
    assert found == []


def texts(tree: ast.AST) -> Iterator[str]:
    """Return the texts of a module that are no docstrings."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value
