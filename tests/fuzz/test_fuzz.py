"""The harnesses of ``scripts/fuzz``, without the fuzzer: each over its seeds, and over what Hypothesis makes up."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz.harnesses import CORPUS, HARNESSES, seeds
from tests.fuzz.run import LONGEST_INPUT
from tests.fuzz.source import Source

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="a harness puts descriptors and HOME in place"
)
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    "path",
    [path for name in HARNESSES for path in seeds(name)],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_a_seed_breaks_nothing(path: Path) -> None:
    """Neither a usual input nor what a fuzzer once stopped at."""
    HARNESSES[path.parent.name](Source(path.read_bytes()))


@pytest.mark.parametrize("name", HARNESSES)
def test_no_input_breaks_a_harness(name: str) -> None:
    """A harness that went stale with the code shows here, not weeks later in the fuzzer."""

    @FEW
    @given(st.binary(max_size=400))
    @example(b"")
    @example(b"\xff" * 400)
    def run(data: bytes) -> None:
        HARNESSES[name](Source(data))

    run()


def test_the_seeds_are_small_and_each_belongs_to_a_harness() -> None:
    """They travel with the source."""
    every = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert {path.parent.name for path in every} <= set(HARNESSES)
    assert all(path.stat().st_size <= LONGEST_INPUT for path in every)
    assert sum(path.stat().st_size for path in every) <= 100_000
