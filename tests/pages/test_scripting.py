"""docs/scripting.md: the keys of each JSON document are those that the program prints."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import SCRIPT
from tests.emulator.default_world import ANN
from tests.support.people import sign_in

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

PAGE = (Path(__file__).parents[2] / "docs" / "scripting.md").read_text(encoding="utf-8")
ADDRESS = "https://dev.azure.com/contoso/app/_git/app"


def documented(verb: str) -> set[str]:
    """Return the keys in the table below a command's name."""
    table = PAGE.partition(f"`git credential-azdo {verb}")[2].partition("\n\n`git ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {key for row in rows for key in re.findall(r"`(\w+)`", row)}


def test_the_keys_are_those_that_are_printed(home: Home, emulator: Emulator) -> None:
    """Scripts rely on them."""
    sign_in(home, emulator.world, ANN, "contoso")
    assert home.azdo("pat", "create", "--org", "contoso", "--name", "ci").code == 0
    for verb, words in {
        "accounts": (),
        "explain": (ADDRESS, "--online"),
        "doctor": (),
        "token": ("--org", "contoso"),
        "pat list": (),
    }.items():
        result = home.fork(SCRIPT, *verb.split(), *words, "--format", "json", secret_out=True)
        document = json.loads(result.out)
        assert documented(verb) == set(document[0] if isinstance(document, list) else document), verb
