"""``import`` in a home: what git stored before, and what it keeps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.support.people import blocks

if TYPE_CHECKING:
    from tests.conftest import Home, Result

FILE = ("import", "--yes", "--vault", "file", "--no-git-config")


def git_stores(home: Home, url: str, secret: str, user: str) -> None:
    """Let real git hand a credential to its helper ``store``."""
    lines = f"url={url}\nusername={user}\npassword={secret}\n"
    assert home.git("credential-store", "store", given=lines).code == 0


def saved(home: Home) -> list[tuple[str, ...]]:
    """Return name and organizations of each PAT account."""
    pats = [block for block in blocks(home) if ("kind", "pat") in block]
    return [(dict(block)["name"], *(value for key, value in block if key == "org[]")) for block in pats]


def rows(result: Result) -> list[list[str]]:
    """Return the table's rows without its header, by columns: helper, for, user, then."""
    return [re.split(r"\s{2,}", line) for line in result.lines[1:]]
