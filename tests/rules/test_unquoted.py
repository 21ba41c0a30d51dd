"""No verb repeats a word of its command line that has the shape of a token, wherever it stands."""

from __future__ import annotations

import contextlib
import io
import string
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from git_credential_azdo.commands import cli
from git_credential_azdo.commands.parsing import again
from git_credential_azdo.errors import AzdoError, report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USUAL = {
    "name": "ann",
    "alias": "work",
    "organization": "contoso",
    "url": "https://dev.azure.com/contoso/p/_git/r",
    "token": "4f8e",
    "names": "use",
    "which": "system",
    "shell": "bash",
    "source": "file",
}
"""What a required parameter gets where the token stands elsewhere; any other one ``x``."""

SHAPES = (
    "{}",
    "{}@dev.azure.com",
    "--{}",
    "-{}",
    "--pat={}",
    "--{}=x",
    "https://{}@dev.azure.com/contoso/p/_git/r",
    "https://ann:{}@dev.azure.com/contoso/p/_git/r",
    "https://{}@tfs.example.com/x",
    "https://dev.azure.com/{}/p/_git/r",
)
"""How tokens get onto command lines: bare, glued to an option, in an address where git takes a user or a password.

Not as a host: the resolver hears that one, and an error that did not name it would help nobody.
"""

COMPANIONS = {
    "certificate": ["--tenant", "contoso.com"],
    "token_file": ["--client-id", "x", "--tenant", "contoso.com"],
    "audience": ["--client-id", "x", "--tenant", "contoso.com"],
    "service_connection": ["--client-id", "x", "--tenant", "contoso.com"],
    "expires": ["--org", "contoso"],
}
"""Options without which another one is not looked at."""


def command_lines() -> list[list[str | None]]:
    """Return a command line for each place of each verb where a word can stand; None marks the place."""
    lines: list[list[str | None]] = [[None], [None, "x"], ["help", None], ["help", "pat", None]]
    for path, command in verbs(cli.group, []):
        if isinstance(command, click.Group):
            lines += [[*path, None], [*path, None, "x"]]
        for parameter in (None, *command.params):
            lines.append(line_with(path, command, parameter))
            if path[:1] == ["setup"] and parameter:
                more = COMPANIONS.get(str(parameter.name), [])
                lines.append([*line_with(path, command, parameter), *more, "--vault", "file"])
    return lines


def verbs(group: click.Group, path: list[str]) -> Iterator[tuple[list[str], click.Command]]:
    """Return every verb with its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield [*path, name], command
        if isinstance(command, click.Group):
            yield from verbs(command, [*path, name])


def line_with(path: list[str], command: click.Command, here: click.Parameter | None) -> list[str | None]:
    """Return a command line with the place at a parameter, or behind all of them; what is required stands there, too."""
    words: list[str | None] = [*path]
    for parameter in command.params:
        if isinstance(parameter, click.Option) and (parameter is here or parameter.required):
            words.append(parameter.opts[0])
            if not parameter.is_flag:
                words.append(None if parameter is here else USUAL.get(str(parameter.name), "x"))
    words += [
        None if parameter is here else USUAL.get(str(parameter.name), "x")
        for parameter in command.params
        if isinstance(parameter, click.Argument)
    ]
    return words if None in words else [*words, None]


LINES = command_lines()


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the home of an account, with no network and no keyring."""
    for name in ("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "HTTPS_PROXY": "nowhere://",  # every request fails at once
        "HTTP_PROXY": "nowhere://",
        "NO_PROXY": "",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "AZDO_TIMEOUT": "2",
    }.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / ".config" / "git-credential-azdo"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "accounts").write_text(
        "version=1\nsalt=00112233445566778899aabbccddeeff\nvault=file\n\n"
        "kind=oauth\nid=aa11\nname=ann@contoso.com\nalias=ann\nvault=file\norg[]=contoso\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(words: list[str]) -> str:
    """Run a verb as the front door does; return all that it printed."""
    written, err = io.BytesIO(), io.StringIO()
    out = io.TextIOWrapper(written)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO())
        try:
            with contextlib.suppress(SystemExit, KeyboardInterrupt):
                cli.run(words)
        except AzdoError as error:
            report(error)
        finally:
            sys.stdin = before
            out.flush()
    return written.getvalue().decode() + err.getvalue()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=250)
@given(
    line=st.sampled_from(LINES),
    shape=st.sampled_from(SHAPES),
    letters=st.one_of(
        st.text(string.ascii_lowercase + "234567", min_size=52, max_size=52),
        st.text(string.ascii_letters + string.digits, min_size=84, max_size=84),
    ),
)
def test_a_token_on_a_command_line_is_not_repeated(
    away: Path, line: list[str | None], shape: str, letters: str
) -> None:
    """Neither on a stream, nor in a file outside the vault."""
    check(away, line, shape, letters)


def test_a_bare_token_is_repeated_nowhere(away: Path) -> None:
    """In each place once."""
    for line in LINES:
        check(away, line, "{}", "a1b2c3d4e5f6g7" * 4)


def check(away: Path, line: list[Any], shape: str, token: str) -> None:
    """Run the line with the token in its place, and look for it everywhere."""
    words = [shape.format(token) if word is None else word for word in line]
    text = said(words)
    assert token.lower() not in text.lower(), f"{[word.replace(token, 'TOKEN') for word in words]}"
    assert "this is a bug" not in text
    for path in away.rglob("*"):
        if path.is_file():
            assert token.lower().encode() not in path.read_bytes().lower(), (
                f"{path}: {[word.replace(token, 'TOKEN') for word in words]}"
            )


def test_a_command_line_to_be_run_again_leaves_tokens_out() -> None:
    """A hint may propose the same command with one more option; the rest of it is copied from the command line."""
    words = ["setup", "--scope", "a1b2c3d4e5f6g7" * 4, "--login-hint", "ann@contoso.com", "--alias=x y"]
    assert again(words) == "git credential-azdo setup --scope ... --login-hint ann@contoso.com '--alias=x y'"


@pytest.mark.parametrize("verb", [["doctor", "--url"], ["explain"]], ids=" ".join)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_token_in_an_address_to_be_explained_is_not_repeated(
    away: Path, verb: list[str], shape: str
) -> None:
    """The verbs that print an address, with each place in it: too many for chance to try."""
    check(away, [*verb, None], shape, "a1b2c3d4e5f6g7" * 4)
