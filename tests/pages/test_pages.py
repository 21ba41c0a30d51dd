"""The pages that are made from the program are those that it makes now."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo import __version__
from tests.pages.__main__ import PAGES, ROOT
from tests.support.keyrings import missing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(("path", "make"), PAGES.items(), ids=lambda value: getattr(value, "name", ""))
def test_a_page_is_what_the_program_makes_of_it(path: Path, make: Callable[[], str]) -> None:
    """``scripts/pages`` writes them anew."""
    if path.suffix == ".svg" and (packages := missing()):
        pytest.skip(f"Debian packages missing: {packages}")
    assert path.read_text(encoding="utf-8") == make()


def test_the_manual_page_has_no_fault() -> None:
    """Judged by mandoc, whose only complaint may be that it has no date and long lines."""
    if shutil.which("mandoc") is None:
        pytest.skip("Debian package missing: mandoc")
    page = next(path for path in PAGES if path.suffix == ".1")
    done = subprocess.run(["mandoc", "-T", "lint", page], capture_output=True, text=True, check=False)
    known = ("missing date", "longer than 80 bytes")
    assert [line for line in done.stdout.splitlines() if not any(each in line for each in known)] == []


def test_the_changelog_dates_this_version() -> None:
    """The newest version in it is the package's."""
    versions = re.findall(
        r"^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    assert versions[0] == __version__
