"""Cures in the words of the shell that a person on Windows has: cmd.exe, PowerShell or Git Bash."""

from __future__ import annotations

import pytest

from git_credential_azdo import errors, hints

PROFILE = {"USERPROFILE": r"C:\Users\ann"}
MACHINE = r"C:\Program Files\WindowsPowerShell\Modules"
CMD = {**PROFILE, "PSMODULEPATH": MACHINE, "PROMPT": "$P$G"}
POWERSHELL = {**PROFILE, "PSMODULEPATH": rf"c:\users\ann\Documents\WindowsPowerShell\Modules;{MACHINE}"}
BASH = {**CMD, "SHELL": "/usr/bin/bash"}


@pytest.mark.parametrize(
    ("environment", "unset", "set_", "file"),
    [
        (CMD, 'set "A=" & set "B="', r'set "A=C:\x y" & set "B=1"', "type file-with-the-token | git"),
        (
            POWERSHELL,
            '$env:A = ""; $env:B = ""',
            r'$env:A = "C:\x y"; $env:B = "1"',
            "type file-with-the-token | git",
        ),
        (BASH, "unset A B", "export", "git credential-azdo setup pat --org x <"),
    ],
    ids=["cmd", "PowerShell", "Git Bash"],
)
def test_a_cure_is_for_the_shell_that_the_person_has(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], unset: str, set_: str, file: str
) -> None:
    """PowerShell takes ``set`` for a variable of its own, and no ``<``."""
    monkeypatch.setattr(hints, "ON_WINDOWS", True)
    monkeypatch.setattr(errors.quote, "__kwdefaults__", {"windows": True})
    for name in ("SHELL", "PROMPT", "PSMODULEPATH"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert hints.unset("A", "B") == unset
    assert hints.set_variables(r"A=C:\x y", "B=1").startswith(set_)
    assert hints.setup_pat_from_file("x").startswith(file)
