"""The package's modules import downwards only, without circles, and each third-party package in one place; all is short.

Imports inside functions count as well, and imports for types alone: an import upwards is one, however late it is done, and
a module that needs another's types needs that module to be understood.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

from tests.support import source

_PACKAGE = "git_credential_azdo"
_MAX_LINES = 300
_TESTS = Path(__file__).parents[1]

FLOORS = (
    {"__init__", "inherited", "errors"},
    {"hints", "deadline", "files", "writing", "programs"},
    {"git"},
    {"vault", "web", "connection", "proxy"},
    {"accounts"},
    {"devops", "signin"},
    {"tokens"},
    {"refresh"},
    {"helper"},
    {"commands"},
    {"__main__"},
)
"""From the lowest up. A module may import what stands on a lower floor or on its own."""

PLACES = {
    "certifi": {"connection"},
    "click": {"commands"},
    "cryptography": {"signin/certificate"},
    "httpcore": {"connection", "proxy"},
    "httpx": {"connection", "web"},
    "keyring": {"vault/system"},
    "platformdirs": {"files"},
    "truststore": {"connection"},
}
"""The only modules, or folders of modules, that may import a third-party package."""


MODULES = {path.removesuffix(".py"): text for path, text in source.MODULES.items()}


@cache
def _imported(text: str) -> frozenset[str]:
    """Return the full names that a module imports; of ``from a import b`` both ``a`` and ``a.b``."""
    names: set[str] = set()
    for statement in ast.walk(source.tree(text)):
        if isinstance(statement, ast.Import):
            names.update(alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            names.add(statement.module or "")
            names.update(f"{statement.module}.{alias.name}" for alias in statement.names)
    return frozenset(names)


def _ours(text: str) -> set[str]:
    names = (name.removeprefix(f"{_PACKAGE}.").replace(".", "/") for name in _imported(text))
    return {name for name in names if name in MODULES}


def _floor(module: str) -> int:
    room = module.partition("/")[0]
    floors = [number for number, rooms in enumerate(FLOORS) if room in rooms]
    assert floors, f"no floor for {module}: the map in the package's docstring needs it, too"
    return floors[0]


def test_a_module_imports_nothing_above_it() -> None:
    """Neither at its beginning nor late."""
    upwards = [
        (module, other)
        for module, text in MODULES.items()
        for other in _ours(text)
        if _floor(other) > _floor(module)
    ]
    assert upwards == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """A circle is one module in several files."""
    graph = {module: _ours(text) for module, text in MODULES.items()}

    assert len(list(TopologicalSorter(graph).static_order())) == len(graph)


def test_a_third_party_package_has_one_place() -> None:
    """So that to exchange it is to change one place."""
    for package, places in PLACES.items():
        users = {
            module
            for module, text in MODULES.items()
            if package in {name.partition(".")[0] for name in _imported(text)}
        }
        assert users, package
        assert {user for user in users if not {user, user.partition("/")[0]} & places} == set(), package


def test_a_module_opens_with_its_purpose() -> None:
    """What it knows, and what it must never do."""
    assert [module for module, text in MODULES.items() if not ast.get_docstring(source.tree(text))] == []


def test_a_file_is_short() -> None:
    """One subject a file, of the tests as of the package: nothing is found in a file without an end."""
    texts = {str(path): path.read_text("utf-8") for path in _TESTS.rglob("*.py")} | MODULES
    lengths = {name: len(text.splitlines()) for name, text in texts.items()}
    assert {name: lines for name, lines in lengths.items() if lines > _MAX_LINES} == {}


def test_to_import_a_folder_loads_nothing() -> None:
    """Its ``__init__`` holds its docstring only."""
    folders = [name for name in MODULES if name.endswith("/__init__")]
    assert folders
    assert [name for name in folders if len(source.tree(MODULES[name]).body) != 1] == []


def test_what_says_where_to_look_names_only_what_is_there() -> None:
    """The page about the architecture, and each file of tests in its first words."""
    tests = _TESTS.rglob("test_*.py")
    texts = [path.read_text("utf-8").partition(":")[0] for path in tests if path.parent.name != "emulator"]
    texts.append((_TESTS.parent / "docs" / "architecture.md").read_text("utf-8"))
    named = {name for text in texts for name in re.findall(r"\b((?:\w+/)*\w+)\.py\b|`(\w+/[a-z_]+)`", text)}
    flat = {name for names in named for name in names if name}
    known = {f"/{_PACKAGE}/{module}" for module in MODULES}
    others = {name for name in flat if not any(each.endswith(f"/{name}") for each in known)}
    top = _TESTS.parent
    assert {
        each for each in others if not (top / each).exists() and not (top / f"{each}.py").exists()
    } == set()
