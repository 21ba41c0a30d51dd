"""The wheel: the same bytes from the same sources, and in it the program, its licence and its manual page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDED = ("git_credential_azdo", "docs", "pyproject.toml", "README.md", "LICENSE")


def wheel(folder: Path, umask: int) -> Path:
    """Return the wheel that is built of a copy of the sources with times and modes of its own."""
    before = os.umask(umask)
    try:
        folder.mkdir()
        for name in NEEDED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(
                    source,
                    folder / name,
                    ignore=shutil.ignore_patterns("__pycache__"),
                    copy_function=shutil.copyfile,
                )
            else:
                shutil.copyfile(source, folder / name)
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
    finally:
        os.umask(before)
    return next((folder / "dist").glob("*.whl"))


def test_two_builds_of_the_same_sources_are_the_same_bytes(tmp_path: Path) -> None:
    """Whoever built it, and when."""
    one, other = wheel(tmp_path / "one", 0o022), wheel(tmp_path / "other", 0o077)
    os.utime(other)
    assert one.read_bytes() == other.read_bytes()
    names = zipfile.ZipFile(one).namelist()
    assert [name for name in names if name.endswith("share/man/man1/git-credential-azdo.1")]
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    assert not [name for name in names if name.startswith(("tests/", "scripts/"))]
