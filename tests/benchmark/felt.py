"""Rows about what a person feels: real git through the emulator, with us as helper and with git's own C helper."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.benchmark.clock import Command, alternate
from tests.benchmark.homes import FILE, SECRET_SERVICE, keep_for_c_helper
from tests.benchmark.table import Row
from tests.emulator.default_world import ANN

if TYPE_CHECKING:
    from tests.benchmark.stage import Stage

SUBMODULES = 20
ORGANIZATIONS = ("contoso", "contoso-labs")
C_HELPER = "with git's C helper"
_REPOSITORY = "https://dev.azure.com/contoso/app/_git/app"


def ls_remote(stage: Stage, rounds: int) -> Row:
    """Measure ``git ls-remote``: one question, the credential, the same question again."""
    return _against_c_helper(stage, "git ls-remote", ["ls-remote", _REPOSITORY], rounds)


def fetch_submodules(stage: Stage, rounds: int) -> Row:
    """Measure a fetch of a repository with submodules of two organizations: one credential a repository."""
    _clone_with_submodules(stage)
    words = ["-C", str(stage.folder / "super"), "fetch", "--quiet", "--recurse-submodules=yes"]
    return _against_c_helper(stage, f"git fetch, {SUBMODULES} submodules", words, rounds)


def _against_c_helper(stage: Stage, path: str, words: list[str], rounds: int) -> Row:
    commands = {"ours": _git(stage, words, ours=True)}
    if stage.c_helper:
        commands[C_HELPER] = _git(stage, words, ours=False)
    seen = alternate(commands, rounds)
    return Row(path, C_HELPER, None, seen["ours"], seen.get(C_HELPER))


def _git(stage: Stage, words: list[str], *, ours: bool) -> Command:
    home = stage.folder / ("felt-ours" if ours else "felt-c")
    if not home.exists():
        if ours:
            stage.home(home.name, SECRET_SERVICE if stage.keyring else FILE)
        else:
            home.mkdir()
            keep_for_c_helper(ANN, stage.emulator.world.new_pat(ANN, ORGANIZATIONS))
        script = stage.installed.script if ours else stage.c_helper
        usual = "" if ours else f"\tusername = {ANN}\n"
        use_path = "\tuseHttpPath = true\n" if ours else ""
        (home / ".gitconfig").write_text(
            f'[credential "https://dev.azure.com"]\n\thelper = {script}\n{usual}{use_path}'
        )
    environment = {**stage.environment(online=True), "HOME": str(home)}
    git = subprocess.run(["/bin/sh", "-c", "command -v git"], capture_output=True, text=True, check=True)
    return Command([git.stdout.strip(), *words], environment)


def _clone_with_submodules(stage: Stage) -> None:
    """Make a working copy whose submodules lie half in one organization and half in another."""
    super_project = stage.folder / "super"
    clone = _git(stage, ["clone", "--quiet", _REPOSITORY, str(super_project)], ours=True)
    _check(clone, stage)
    for number in range(SUBMODULES):
        organization = ORGANIZATIONS[number % len(ORGANIZATIONS)]
        name = f"part-{number}"
        stage.emulator.world.create_repository(organization, "app", name)
        url = f"https://dev.azure.com/{organization}/app/_git/{name}"
        words = ["-C", str(super_project), "submodule", "--quiet", "add", url, name]
        _check(_git(stage, words, ours=True), stage)


def _check(command: Command, stage: Stage) -> None:
    subprocess.run(
        command.words, env=dict(command.environment), cwd=stage.folder, capture_output=True, check=True
    )
