"""Keys at the prompts, and names on the screen, of a console of Windows."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.watch import WATCH, new_password
from tests.windows.console import CTRL_C, F1, UP, at_console, keys

if TYPE_CHECKING:
    from tests.conftest import Home

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="a console of Windows")

SETUP_PAT = ("setup", "pat", "--org", "contoso", "--vault", "file")
PROMPT = "Personal access token:"


def test_arrows_and_function_keys_are_no_part_of_a_token(home: Home) -> None:
    """They come as two characters each."""
    typed = [UP, F1, *keys(f"{new_password()}\r")]
    done = at_console(home, [PROMPT, typed], *SETUP_PAT, HTTPS_PROXY="http://127.0.0.1:1")
    WATCH.seen("a console", done.out.encode())
    assert (done.code, "cannot reach dev.azure.com" in done.out) == (1, True), done


def test_ctrl_c_ends_a_hidden_prompt(home: Home) -> None:
    """With the code of an interrupted program, and no traceback."""
    done = at_console(home, [PROMPT, [CTRL_C]], *SETUP_PAT)
    assert (done.code, "Traceback" in done.out) == (130, False), done


def test_a_console_shows_any_name(home: Home) -> None:
    """Whatever its code page."""
    home.write_accounts_file(
        "version=1\nsalt=00\n\nkind=pat\nid=aa11\nname=анна\nvault=file\norg[]=contoso\n"
    )
    done = at_console(home, [], "accounts")
    assert "анна" in done.out, done
