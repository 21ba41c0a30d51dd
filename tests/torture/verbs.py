"""The verbs that torture runs, each on a bench that is put back first, with what it may take away."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.emulator.default_world import ANN, BOB
from tests.support.importing import git_stores
from tests.support.people import STALE, at
from tests.support.workloads import CLIENT, add_app
from tests.torture import persons
from tests.torture.bench import LABS, SERVER, STORED

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from tests.torture.bench import Bench

OLD = 600
"""The age in seconds at which a rejected token is old, and is dropped."""


class Verb(NamedTuple):
    """A verb to run.

    ``age``: of ann's token; ``gone``: what it takes away; ``after``: must then work, whatever was cut, or
    say that it is ``settled``; ``home``: what is done to the bench first; ``beside``: the verb that runs at the same
    time; ``person``: who signs in meanwhile, until it is over; ``rotates``: as of ``Bench.restore``.
    """

    name: str
    words: tuple[str, ...]
    given: Callable[[Bench], list[str]] = lambda _bench: []
    age: int = 0
    gone: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    settled: str = "-"
    home: Callable[[Bench], None] | None = None
    beside: str = ""
    person: Callable[[Bench, threading.Event], None] | None = None
    rotates: bool = False


def _own_token(bench: Bench) -> list[str]:
    entries = bench.entries.read()
    text = next(text for name, text in entries.items() if "/access/" in name)
    return [*at(), f"username={ANN}", f"password={text.partition('token=')[2].partition(chr(10))[0]}"]


def _stored(bench: Bench) -> list[str]:
    return [*STORED, f"password={bench.password}"]


def _stored_anew(bench: Bench) -> list[str]:
    return [*STORED, f"password={bench.new_password}"]


def _new_stored(bench: Bench) -> list[str]:
    return [*STORED[:-1], "username=y", f"password={bench.password}"]


def _with_created_token(bench: Bench) -> None:
    assert bench.home.azdo(*_CREATE).code == 0


def _unconfigured(bench: Bench) -> None:
    assert bench.home.azdo("unconfigure").code == 0


def _with_helper(bench: Bench) -> None:
    _unconfigured(bench)
    assert bench.home.git("config", "--global", "credential.helper", "store").code == 0
    git_stores(bench.home, f"https://dev.azure.com/{LABS}", bench.elsewhere, "ann")


def _with_app(bench: Bench) -> None:
    add_app(bench.emulator.world, secret=bench.new_password)


_GET: tuple[str, tuple[str, ...], Callable[[Bench], list[str]]] = ("get", ("get",), lambda _bench: at())
_SETUP_PAT = ("setup", "pat", "--org", "fabrikam", "--vault", "")
_SETUP_APP = (
    "setup",
    "--vault",
    "",
    "service-principal",
    CLIENT,
    "--tenant",
    "contoso.com",
    "--org",
    "contoso",
)
_SETUP = ("setup", "--vault", "", "--org", "contoso")
_ONLINE = ("explain", "--online", "https://dev.azure.com/contoso/app/_git/app")
_CREATE = ("pat", "create", "--name", "created", "--org", "contoso")
_LIST = ("pat", "list", "--org", "contoso")
_ROTATE = ("pat", "rotate")
_REVOKE = ("pat", "revoke", "created", "--org", "contoso")
_IMPORT = ("import", "--yes", "--vault", "", "--org", LABS)
_SERVER = ("server", "remove", SERVER)
_URL = f"https://x@{SERVER.partition('//')[2]}/tfs/app/_git/app"
_EVERYTHING = ("ann", "bob", "stored")

VERBS = (
    Verb(*_GET, STALE),
    Verb("get, rotating", *_GET[1:], STALE, rotates=True),
    Verb("store of ours", ("store",), _own_token),
    Verb("erase of ours", ("erase",), _own_token, OLD),
    Verb("store", ("store",), _new_stored),
    Verb("erase", ("erase",), _stored, gone=("stored",)),
    Verb("use", ("use", BOB, "--org", "fabrikam")),
    Verb("accounts rename", ("accounts", "rename", BOB, "rob")),
    Verb("server add", ("server", "add", "https://ado.example.com")),
    Verb("server remove", _SERVER, gone=("stored",), after=_SERVER, settled="is not registered"),
    Verb("configure", ("configure",), home=_unconfigured, after=("configure",)),
    Verb("unconfigure", ("unconfigure",), after=("configure",)),
    Verb("setup", _SETUP, person=persons.at_the_browser),
    Verb("setup device-code", (*_SETUP, "device-code"), person=persons.with_the_code),
    Verb("token", ("token", "--org", "contoso"), age=STALE),
    Verb("token, rotating", ("token", "--org", "contoso"), age=STALE, rotates=True),
    Verb("explain --online", _ONLINE, age=STALE),
    Verb("explain --online, rotating", _ONLINE, age=STALE, rotates=True),
    Verb("doctor, rotating", ("doctor",), age=STALE, rotates=True),
    Verb("setup pat", _SETUP_PAT, lambda bench: [bench.pat]),
    Verb(
        "setup service-principal",
        _SETUP_APP,
        lambda bench: [bench.new_password],
        gone=("labs",),
        home=_with_app,
    ),
    Verb("import", _IMPORT, home=_with_helper, after=_IMPORT),
    Verb("pat create", _CREATE, after=_LIST),
    Verb("pat rotate", _ROTATE, home=_with_created_token, after=_ROTATE),
    Verb("pat revoke", _REVOKE, home=_with_created_token, after=_REVOKE, settled="no active token"),
    Verb("logout", ("logout", ANN), gone=("ann",), after=("logout", ANN), settled="no account"),
    Verb("logout URL", ("logout", _URL), gone=("stored",), after=("logout", _URL), settled="no account"),
    Verb("logout --all", ("logout", "--all"), gone=_EVERYTHING, after=("logout", "--all")),
    Verb(
        "logout beside get",
        ("logout", ANN),
        age=STALE,
        gone=("ann",),
        after=("logout", ANN),
        settled="no account",
        beside="get",
    ),
    Verb("get beside logout", *_GET[1:], STALE, gone=("ann",), beside="logout"),
    Verb("erase beside store", ("erase",), _stored, beside="store anew"),
    Verb("store anew beside erase", ("store",), _stored_anew, gone=("stored",), beside="erase"),
    Verb("setup pat twice", _SETUP_PAT, lambda bench: [bench.pat], beside="setup pat"),
    Verb("pat rotate twice", _ROTATE, home=_with_created_token, after=_ROTATE, beside="pat rotate"),
)
BY_NAME = {
    verb.name: verb
    for verb in (
        *VERBS,
        Verb("warm get", *_GET[1:]),
        Verb("accounts", ("accounts",)),
        Verb("explain", ("explain", "https://dev.azure.com/contoso/app/_git/app")),
        Verb("store anew", ("store",), _stored_anew),
    )
}


def words_of(verb: Verb, bench: Bench) -> list[str]:
    """Return the arguments of the verb; the vault's name comes from the bench."""
    return [word or bench.vault for word in verb.words]
