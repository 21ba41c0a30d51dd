"""Files on Windows: whoever reads one keeps it from being replaced for a moment."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from git_credential_azdo import files


class Windows(SimpleNamespace):
    """As much of Windows as a rename or a read sees: refused for a number of times, by a clock that counts pauses."""

    name = "nt"
    path = os.path

    def __init__(self, refusals: int) -> None:
        super().__init__(refusals=refusals, now=100.0, done=False)

    def act(self, _path: str, *_: object) -> None:
        """Refuse, or do it."""
        self.refusals -= 1
        if self.refusals >= 0:
            raise PermissionError
        self.done = True

    def monotonic(self) -> float:
        """Return the time in seconds."""
        return self.now  # type: ignore[no-any-return] # a namespace has no types

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.now += seconds


@pytest.mark.parametrize(("refusals", "done"), [(0, True), (20, True), (10_000, False)])
def test_windows_gets_a_second_to_let_go_of_a_file(
    monkeypatch: pytest.MonkeyPatch, refusals: int, *, done: bool
) -> None:
    """It refuses a rename while somebody reads the old file, and to read it while somebody renames."""
    windows = Windows(refusals)
    monkeypatch.setattr(files, "os", windows)
    monkeypatch.setattr(files, "time", windows)

    if done:
        files.patiently(windows.act, "path", "target")
    else:
        with pytest.raises(PermissionError):
            files.patiently(windows.act, "path", "target")

    assert windows.done == done
    assert windows.now - 100.0 == pytest.approx(min(refusals * 0.02, 1.02), abs=0.03)


@pytest.mark.parametrize(("system", "path"), [("posix", "path"), ("nt", os.curdir)])
def test_what_is_refused_for_good_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, system: str, path: str
) -> None:
    """Elsewhere a refusal is final, and so it is for a folder in a file's place."""
    windows = Windows(1)
    windows.name = system
    monkeypatch.setattr(files, "os", windows)
    monkeypatch.setattr(files, "time", windows)

    with pytest.raises(PermissionError):
        files.patiently(windows.act, path)

    assert windows.now == 100.0
