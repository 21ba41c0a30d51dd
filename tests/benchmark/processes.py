"""Rows about one process: each path of git's verbs, all of them and their yardsticks alternating in one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmark.clock import Command, Spread, alternate, peak_memory, run, spread
from tests.benchmark.homes import (
    ASK,
    FILE,
    FILE_KEYRING,
    SECRET_SERVICE,
    TENANT_TOLD,
    keep_for_c_helper,
    keep_in_keyring,
)
from tests.benchmark.installers import with_old_script, with_tool
from tests.benchmark.stage import CACHE
from tests.benchmark.table import Row
from tests.emulator.default_world import ANN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.benchmark.homes import AccountHome
    from tests.benchmark.installers import Installation
    from tests.benchmark.stage import Stage

FOREIGN = "protocol=https\nhost=github.com\npath=git/git\n"
GET = f"capability[]=authtype\ncapability[]=state\n{ASK}{TENANT_TOLD}"
TYPED = "protocol=https\nhost=git.example.com\npath=app.git\nusername=ann\npassword=typed\n"
SERVER_BLOCK = "\nkind=server\naddress=https://git.example.com\n"

BARE = "python -c pass"
C_HELPER = "git's C helper"
PLAIN = "git credential-store (C, a plain file)"
GCM = "Git Credential Manager"
BOTH = "python -c pass + C helper"
USUAL = "the usual way"
BACKEND = "get_password, backend named"
NOT_OURS = "get, not our host"
WARM = "warm get, Secret Service"
WARM_FILE = "warm get, file vault"
STORE = "store of what get gave"
_UNCOMPILED = " without bytecode"
_MEMORY_RUNS = 9

_GET_PASSWORD = f"""
import sys
from {FILE_KEYRING.rpartition(".")[0]} import FileKeyring
sys.stdin.read()
saved = FileKeyring().get_password("git-credential-azdo", sys.argv[1])
print("password=" + saved.partition("token=")[2].partition("\\n")[0])
"""


@dataclass(frozen=True)
class Case:
    """A path: what git asks, in which home, and the most it may take of each yardstick (a command's name), if promised."""

    path: str
    goals: Mapping[str, float | None]
    verb: str
    given: str
    home: AccountHome | None = None
    answers: bool = False

    def command(self, stage: Stage, *, compiled: bool = True) -> Command:
        """Return the process that answers it."""
        return stage.ours(self.verb, self.given, self.home, compiled=compiled, answers=self.answers)


def paths(stage: Stage, rounds: int) -> list[Row]:
    """Measure every path that is one process of ours."""
    cases, commands = _cases(stage)
    for case in cases:
        commands[case.path] = case.command(stage)
        commands[case.path + _UNCOMPILED] = case.command(stage, compiled=False)
    seen = alternate(commands, rounds)
    if C_HELPER in seen:
        seen[BOTH] = _sum(seen[BARE], seen[C_HELPER])
    rows = [
        Row(
            case.path,
            yardstick,
            goal,
            seen[case.path],
            seen.get(yardstick),
            seen[case.path + _UNCOMPILED],
            note="" if yardstick in seen else f"{yardstick} cannot be had here",
        )
        for case in cases
        for yardstick, goal in case.goals.items()
    ]
    if not stage.keyring:
        rows.append(Row(WARM, C_HELPER, 1.5, note="dbus-daemon or gnome-keyring is missing"))
    return rows


def _cases(stage: Stage) -> tuple[list[Case], dict[str, Command]]:
    """Return the paths, and the yardsticks by name."""
    file, other = stage.home("file", FILE), stage.home("other", FILE_KEYRING)
    many = stage.home("many", FILE, others=199)
    saved = (
        other.config / "vault" / other.identifier
    )  # the backend has its entries where the file vault has them
    entry = f"{other.identifier}/access/{next((saved / 'access').iterdir()).name}"
    words = [stage.installed.python, "-c", _GET_PASSWORD, entry]
    commands = {
        BARE: stage.bare(),
        BACKEND: Command(words, stage.environment(other), ASK, answers=True),
        PLAIN: stage.plain_get(),
    }
    if stage.gcm:
        commands[GCM] = stage.gcm_get("secretservice" if stage.keyring else "plaintext", file.token)
    if stage.c_helper:
        keep_for_c_helper(ANN, file.token)
        commands[C_HELPER] = stage.c_get()
    with_state = file.store_lines(state=True)
    cases = [
        Case(NOT_OURS, {BARE: 1.2}, "get", FOREIGN, file),
        Case(f"{STORE}, state[]", {BARE: 1.4}, "store", with_state, file),
        Case(STORE, {BARE: 1.4}, "store", file.store_lines(state=False), file),
    ]
    if stage.keyring:
        cases += _secret_service_cases(stage, commands)
    get, one, store = "get, 200 accounts", WARM_FILE, f"{STORE}, state[]"
    cases += [
        Case(WARM_FILE, {BARE: 1.4, PLAIN: None}, "get", GET, file, answers=True),
        Case("warm get, other vault", {BACKEND: 1.15}, "get", GET, other, answers=True),
        Case(get, {one: 1.2}, "get", GET, many, answers=True),
        Case("store, 200 accounts", {store: 1.2}, "store", many.store_lines(state=True), many),
    ]
    return cases, commands


def _secret_service_cases(stage: Stage, commands: dict[str, Command]) -> list[Case]:
    home, typed = stage.home("keyring", SECRET_SERVICE), stage.home("typed", SECRET_SERVICE)
    keep_in_keyring("dev.azure.com/contoso", home.token, "git-credential-usual")
    commands[USUAL] = stage.script("usual.py", "get", home=home)
    with open(typed.accounts_file, "a", encoding="utf-8") as file:
        file.write(SERVER_BLOCK)
    case = Case("store of a known stored credential", {BARE: 1.7}, "store", TYPED, typed)
    run("first store", case.command(stage))
    if "kind=typed" not in typed.accounts_file.read_text():
        raise AssertionError("the stored credential was not saved")
    goals = {C_HELPER: 1.5, BOTH: 0.9, USUAL: 1 / 8, GCM: 1 / 8}
    return [Case(WARM, goals, "get", GET, home, answers=True), case]


def _sum(one: Spread, other: Spread) -> Spread:
    return Spread(one.median + other.median, one.low + other.low, one.high + other.high, one.runs)


def memory(stage: Stage) -> list[Row]:
    """Measure the most memory that a warm ``get`` holds, in MiB."""
    vaults = {WARM_FILE: FILE, **({WARM: SECRET_SERVICE} if stage.keyring else {})}
    rows = []
    for path, vault in vaults.items():
        ours = stage.ours("get", GET, stage.home(f"memory-{vault}", vault), answers=True)
        seen = [(peak_memory(path, ours), peak_memory(BARE, stage.bare())) for _ in range(_MEMORY_RUNS)]
        mine, theirs = (spread(values) for values in zip(*seen, strict=True))
        rows.append(Row(f"peak memory, {path}", BARE, 1.3, mine, theirs, unit="MiB"))
    return rows


def console_scripts(stage: Stage, rounds: int) -> list[Row]:
    """Measure the console scripts that installers write, on the shortest path, where they weigh most."""
    made: dict[str, Installation | str] = {
        "pip": stage.installed,
        "old pip": with_old_script(stage.installed),
    }
    made |= {tool: with_tool(tool, stage.wheel, CACHE) for tool in ("pipx", "uv")}
    commands = {}
    for name, one in made.items():
        if not isinstance(one, str):
            commands[name] = Command([one.script, "get"], stage.environment(), FOREIGN)
            commands[f"{name}'s python"] = Command([one.python, "-c", "pass"], stage.environment())
    seen = alternate(commands, rounds)
    return [
        Row(
            f"{NOT_OURS}, installed by {name}",
            BARE,
            None if name == "old pip" else 1.2,
            seen.get(name),
            seen.get(f"{name}'s python"),
            note=one if isinstance(one, str) else "",
        )
        for name, one in made.items()
    ]
