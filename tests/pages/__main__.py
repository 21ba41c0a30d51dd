"""Write the pages that are made from the program."""

from __future__ import annotations

from pathlib import Path

from tests.pages import man, picture, troubleshooting

ROOT = Path(__file__).parents[2]
PAGES = {
    ROOT / "docs" / "git-credential-azdo.1": man.page,
    ROOT / "docs" / "troubleshooting.md": troubleshooting.page,
    ROOT / "docs" / "first-clone.svg": picture.picture,
}

if __name__ == "__main__":
    for path, make in PAGES.items():
        path.write_text(make(), encoding="utf-8")
        print(path.relative_to(ROOT))
