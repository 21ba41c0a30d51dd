"""One harness under atheris, or once over given files: ``python -m tests.fuzz.run NAME SECONDS`` or ``... NAME FILE...``.

Under atheris (libFuzzer) new inputs go to ``.cache/fuzz/NAME/``, and one that breaks something to
``.cache/fuzz/NAME.crash-...``; libFuzzer's own figures go to stderr. Over files nothing but Python is needed.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.source import Source

if TYPE_CHECKING:
    from types import ModuleType

FOLDER = Path(".cache/fuzz")
LONGEST_INPUT = 4_096
_SECONDS_FOR_ONE = 20  # more is no linear reading of what one input may grow to
_MEGABYTES = 1_024


def main(name: str, *words: str) -> None:
    """Run the harness for so many seconds, or over these files."""
    if len(words) == 1 and words[0].isdigit():
        _fuzz(name, int(words[0]))
        return
    harnesses = importlib.import_module("tests.fuzz.harnesses")
    for path in map(Path, words):
        harnesses.HARNESSES[name](Source(path.read_bytes()))
        print(f"{path}: nothing is wrong")


def _fuzz(name: str, seconds: int) -> None:
    import atheris  # in a dependency group of its own

    with atheris.instrument_imports(include=["git_credential_azdo"]):
        harnesses = importlib.import_module("tests.fuzz.harnesses")
    gathered = FOLDER / name
    gathered.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST_INPUT}",
        "-len_control=0",
        "-keep_seed=1",
        f"-timeout={_SECONDS_FOR_ONE}",
        f"-rss_limit_mb={_MEGABYTES}",
        f"-artifact_prefix={FOLDER}/{name}.",
        "-print_final_stats=1",
        str(gathered),
        *([str(harnesses.CORPUS / name)] if harnesses.seeds(name) else []),
    ]
    _start(atheris, [sys.argv[0], *options], harnesses.HARNESSES[name])


def _start(atheris: ModuleType, arguments: list[str], harness: object) -> None:
    def once(data: bytes) -> None:
        assert callable(harness)
        harness(Source(data))

    atheris.Setup(arguments, once)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
