"""``docs/first-clone.svg``: a real run of the program, from signing in to the first clone, as a terminal shows it."""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
from html import escape
from pathlib import Path

from tests.conftest import SCRIPT
from tests.demo import ANN, Stage
from tests.emulator.emulator import Emulator
from tests.support.keyrings import PrivateKeyring

COLUMNS = 80
_LINE, _WIDTH, _MARGIN = 18, 7.8, 14
_STYLE = """\
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #1f2328; white-space: pre }
rect { fill: #f6f8fa; stroke: #d1d9e0 }
.typed { font-weight: 600; fill: #0550ae }
.aside { font-style: italic; fill: #59636e }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } rect { fill: #0d1117; stroke: #3d444d } .typed { fill: #79c0ff } .aside { fill: #9198a1 }
}"""


def picture() -> str:
    """Return the picture as SVG. The run needs a Secret Service, which is thrown away afterwards."""
    lines = [part for line in _run().strip().splitlines() for part in _folded(line)]
    height = _LINE * len(lines) + 2 * _MARGIN
    width = round(COLUMNS * _WIDTH + 2 * _MARGIN)
    rows = [
        f'<text x="{_MARGIN}" y="{_MARGIN + _LINE * number + 13}"{_kind(line)}>{escape(line)}</text>'
        for number, line in enumerate(lines)
        if line
    ]
    label = "A terminal: setup signs in, then git clone and git fetch work"
    size = f'viewBox="0 0 {width} {height}" width="{width}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">',
            f"<style>{_STYLE}</style>",
            f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>',
            *rows,
            "</svg>\n",
        ]
    )


def _run() -> str:
    """Return what a terminal shows; the link and the pasted address, which are long, are cut."""
    shown = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(shown):
        home = Path(folder) / "home"
        home.mkdir()
        with PrivateKeyring(Path(folder) / "keyring") as keyring, Emulator(f"{folder}/emulator") as emulator:
            variables = {
                name: value for name, value in keyring.environment.items() if name != "XDG_CONFIG_HOME"
            }
            stage = Stage(emulator, home, variables)
            stage.sign_in("git", "credential-azdo", "setup", person=ANN)
            stage.run("git", "clone", "https://dev.azure.com/contoso/app/_git/app")
            stage.run("git", "fetch", "--verbose", folder="app")
    text = re.sub(r"\n{3,}", "\n\n", shown.getvalue())
    text = text.replace(str(home), "~").replace(str(SCRIPT), "~/.local/bin/git-credential-azdo")
    text = re.sub(r"(authorize\?)\S+", r"\1...", text)
    return re.sub(r"localhost:\d+", "localhost:40123", text)


def _folded(line: str) -> list[str]:
    return [line[start : start + COLUMNS] for start in range(0, len(line), COLUMNS)] or [""]


def _kind(line: str) -> str:
    if line.startswith("$ "):
        return ' class="typed"'
    return ' class="aside"' if line.startswith(("   (", "   paste")) else ""
