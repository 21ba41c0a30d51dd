"""The verbs that torture runs, each on a bench that is put back first, with what it may take away."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.emulator.default_world import ANN, BOB
from tests.support.people import STALE, at
from tests.torture.bench import STORED

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.torture.bench import Bench

OLD = 600
"""The age in seconds at which a rejected token is old, and is dropped."""


class Verb(NamedTuple):
    """A verb to run. ``age``: of ann's token; ``gone``: what it takes away; ``after``: must then work, whatever was cut."""

    name: str
    words: tuple[str, ...]
    given: Callable[[Bench], list[str]] = lambda _bench: []
    age: int = 0
    gone: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def _own_token(bench: Bench) -> list[str]:
    entries = bench.entries.read()
    text = next(text for name, text in entries.items() if "/access/" in name)
    return [*at(), f"username={ANN}", f"password={text.partition('token=')[2].partition(chr(10))[0]}"]


def _stored(bench: Bench) -> list[str]:
    return [*STORED, f"password={bench.password}"]


def _new_stored(bench: Bench) -> list[str]:
    return [*STORED[:-1], "username=y", f"password={bench.password}"]


VERBS = (
    Verb("get", ("get",), lambda _bench: at(), STALE),
    Verb("store of ours", ("store",), _own_token),
    Verb("erase of ours", ("erase",), _own_token, OLD),
    Verb("store", ("store",), _new_stored),
    Verb("erase", ("erase",), _stored, gone=("stored",)),
    Verb("use", ("use", BOB, "--org", "fabrikam")),
    Verb("accounts rename", ("accounts", "rename", BOB, "rob")),
    Verb("server add", ("server", "add", "https://ado.example.com")),
    Verb("configure", ("configure",), after=("configure",)),
    Verb("unconfigure", ("unconfigure",), after=("configure",)),
    Verb("setup pat", ("setup", "pat", "--org", "fabrikam", "--vault", ""), lambda bench: [bench.pat]),
    Verb("pat create", ("pat", "create", "--org", "contoso"), gone=("ann",)),
    Verb("logout", ("logout", ANN), gone=("ann",), after=("logout", ANN)),
)


def words_of(verb: Verb, bench: Bench) -> list[str]:
    """Return the arguments of the verb; the vault's name comes from the bench."""
    return [word or bench.vault for word in verb.words]
