"""Files of ours, read and written in a folder of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_azdo.files import read_own
from git_credential_azdo.writing import write_own

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, data: bytes) -> None:
    """Write a file of ours in a folder of ours."""
    write_own(str(path), data, str(path.parent))


def read(path: Path) -> bytes | None:
    """Read it."""
    return read_own(str(path), str(path.parent))
