"""docs/ci.md: what the recipes run works, in the environment that each system gives its jobs."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tests.emulator import metadata
from tests.emulator.default_world import ANN, CONTOSO
from tests.support.watch import WATCH
from tests.support.workloads import CLIENT, add_app

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

PAGE = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")


def script(heading: str) -> str:
    """Return what the recipe below a heading runs, without installing the program: the tests have it."""
    block = re.search(r"```\w+\n(.*?)```", PAGE.partition(f"\n## {heading}")[2], re.DOTALL)
    assert block
    text = block[1]
    piece = re.search(r"- (?:run|script): \|\n((?: {6}.*\n)+)", text)
    if piece:
        lines = dedent(piece[1])
    elif text.startswith("script:"):
        lines = re.sub(r"^script:\n|^  - ", "", text, flags=re.MULTILINE)
    else:
        lines = text.partition("AZURE_DEVOPS_EXT_PAT \\\n")[2]
    assert "git clone" in lines
    return re.sub(r"^pipx install .*\n", "", lines, flags=re.MULTILINE)


@pytest.mark.parametrize("heading", ["Azure Pipelines", "GitHub Actions", "GitLab", "Docker"])
def test_a_recipe_clones(home: Home, emulator: Emulator, heading: str) -> None:
    """And asks nothing."""
    world = emulator.world
    if heading == "Azure Pipelines":
        job = {
            "TF_BUILD": "True",
            "SYSTEM_COLLECTIONURI": "https://dev.azure.com/contoso/",
            "SYSTEM_ACCESSTOKEN": world.new_pat(ANN, ["contoso"]),
        }
    elif heading == "GitHub Actions":
        add_app(world, metadata.GITHUB_SUBJECT)
        job = {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"https://{metadata.GITHUB_HOST}/oidc/github?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": WATCH.remember(world.machine.secret),
            "CLIENT_ID": CLIENT,
            "TENANT_ID": CONTOSO,
        }
    else:
        job = {"CI": "true", "AZURE_DEVOPS_EXT_PAT": world.new_pat(ANN, ["contoso"])}
    result = home.run("sh", "-e", "-c", script(heading), **job)  # type: ignore[arg-type] # no variable is named cwd
    assert result.code == 0, result
    assert (home.folder / "app" / ".git").is_dir()
