"""axe-core (https://github.com/dequelabs/axe-core, MPL-2.0) in a page of the tests' browser.

The package axe-playwright-python is installed for the script that it bundles, without Playwright, which is never used.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.chromium import Page

MODES = ("light", "dark")
_RUN = (
    "axe.run().then(({violations}) => violations.flatMap("
    "({id, nodes}) => nodes.map(node => `${id}: ${node.target.join(' ')}`)))"
)


def violations(page: Page, mode: str) -> list[str]:
    """Return axe's rules that the page breaks in this mode, 320 pixels wide, each with the element."""
    found = find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("Python package missing: axe-playwright-python")
    size = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": True}
    page.call("Emulation.setDeviceMetricsOverride", **size)
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": mode}])
    page.evaluate(Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8") + ";0")
    seen: list[str] = page.evaluate(_RUN)
    return seen
