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
    ("environment", "cures"),
    [
        (
            CMD,
            [
                'set "A=" & set "B="',
                r'set "A=C:\x y" & set "B=1"',
                "type file-with-the-token | git",
                r'del "C:\a b", "C:\c"',
                r'type nul > "C:\c"',
                r'"C:\p.exe" -I',
                "w32tm /resync",
            ],
        ),
        (
            POWERSHELL,
            [
                '$env:A = ""; $env:B = ""',
                r'$env:A = "C:\x y"; $env:B = "1"',
                "type file-with-the-token | git",
                r'del "C:\a b", "C:\c"',
                r'New-Item "C:\c"',
                r'& "C:\p.exe" -I',
                "w32tm /resync",
            ],
        ),
        (
            BASH,
            [
                "unset A B",
                "export",
                "git credential-azdo setup pat --org x <",
                r'rm "C:\a b" "C:\c"',
                r'touch "C:\c"',
                r'"C:\p.exe" -I',
                "w32tm //resync",
            ],
        ),
    ],
    ids=["cmd", "PowerShell", "Git Bash"],
)
def test_a_cure_is_for_the_shell_that_the_person_has(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], cures: list[str]
) -> None:
    """PowerShell takes ``set`` for a variable of its own, no ``<``, and a quoted program for a text."""
    monkeypatch.setattr(hints, "ON_WINDOWS", True)
    monkeypatch.setattr(errors.quote, "__kwdefaults__", {"windows": True})
    for name in ("SHELL", "PROMPT", "PSMODULEPATH"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    given = [
        hints.unset("A", "B"),
        hints.set_variables(r"A=C:\x y", "B=1"),
        hints.setup_pat_from_file("x"),
        hints.remove(r"C:\a b", r"C:\c"),
        hints.make_empty(r"C:\c"),
        hints.compile_package(r"C:\p.exe", "x"),
        hints.set_clock(),
    ]
    assert [line[: len(cure)] for line, cure in zip(given, cures, strict=True)] == cures
