"""Functions that provoke the examples of ``examples.json``, by the example's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.emulator.client import Client

if TYPE_CHECKING:
    import httpx

Provoke = Callable[[Client], "httpx.Response"]


class Provocations(dict[str, Provoke]):
    """One function an example, from a fresh emulator to its answer."""

    def __call__(self, name: str) -> Callable[[Provoke], Provoke]:
        """Register the decorated function as that which provokes the example ``name``."""

        def register(function: Provoke) -> Provoke:
            self[name] = function
            return function

        return register
