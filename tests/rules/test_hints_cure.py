"""Every hint cures: each is run as it is printed, where it is printed, and what printed it then goes on.

It succeeds, or it says something else: a step further. What a person fills in is filled in as they would.
"""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from git_credential_azdo import hints
from tests.conftest import SCRIPT
from tests.emulator.default_world import ANN, BOB, CONTOSO
from tests.support.people import add_block, at, give_pat, sign_in, vault_of
from tests.support.terminal import Here, Sitting

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Result
    from tests.emulator.emulator import Emulator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="runs the hints for POSIX shells")

PREFIX = "git-credential-azdo: hint: "
APP = "https://dev.azure.com/contoso/app/_git/app"
TFS = "https://tfs.example.com"
FILLED = {"ORGANIZATION": "contoso", "ORG": "contoso", "ACCOUNT": ANN}


@dataclass
class World:
    """A home whose vault is a file, before the emulator."""

    here: Here
    emulator: Emulator

    def pat(self, person: str = ANN) -> str:
        """Return a new token of a person for contoso."""
        return self.emulator.world.new_pat(person, ["contoso"])

    def ann(self, *organizations: str, **fields: str) -> None:
        """Sign ann in."""
        sign_in(self.here, self.emulator.world, ANN, *organizations, fields=fields)

    def both(self) -> None:
        """Sign ann and bob in to contoso."""
        self.emulator.world.organizations["contoso"].members[BOB] = "write"
        self.emulator.world.tenants[CONTOSO].guests.add(BOB)
        self.ann("contoso")
        sign_in(self.here, self.emulator.world, BOB, "contoso")

    def old_pat(self, **marks: str) -> None:
        """Give ann a token of contoso that has expired, or with marks."""
        account = give_pat(self.here, self.pat(), ANN, "contoso", expires_in=-9 if not marks else 9_999_999)
        for key, value in marks.items():
            account.set_all(f"{key}[]", [value])

    def repository(self, url: str) -> None:
        """Make the home a repository with a remote."""
        self.here.git("init", "-q")
        self.here.git("remote", "add", "origin", url)

    def ask(self, words: tuple[str, ...]) -> Result:
        """Run a command of ours; ``get`` gets the message that its words are the lines of, ``fill`` is git's."""
        if words[0] == "fill":
            return self.here.git("credential", "fill", given=f"url={APP}\n\n")
        if words[0] == "get":
            return self.here.get(*words[1:])
        if words[0] == "token":
            return self.here.fork(SCRIPT, *words, secret_out=True)
        return self.here.azdo(*words, given="\n")

    def obey(self, line: str) -> Result:
        """Run a hint as a person would: filled in, with a token, an editor and a browser at hand.

        In a shell but for a plain command of ours: that the shell reads a hint as it is meant is for ``test_hints``.
        """
        for name, value in FILLED.items():
            line = re.sub(rf"\b{name}\b", value, line)
        words = shlex.split(line)
        if words[:3] == ["git", "credential-azdo", "setup"] and words[3:4] != ["pat"]:
            sitting = Sitting(self.here, *words[3:])
            return sitting.finish(self.emulator.sign_in(sitting.link))
        given = self.pat() if "setup" in words else ""
        editor = "sed -i /nonsense/d"
        if words[:2] == ["git", "credential-azdo"] and not set(line) & set("|&;<>$`"):
            return self.here.azdo(*words[2:], given=given)
        return self.here.run("sh", "-c", line, given=given, EDITOR=editor)


@pytest.fixture
def world(file_home: Here, emulator: Emulator) -> World:
    """Return the world, in which git calls us."""
    assert file_home.azdo("configure").code == 0
    return World(file_home, emulator)


@dataclass
class Case:
    """``words`` print a hint made by the function ``hint`` of ``hints`` where ``arranged``.

    ``instead``: the hint is the command to run in their place.
    """

    hint: str
    words: tuple[str, ...]
    arranged: Callable[[World], object] = lambda _world: None
    instead: bool = False


def git_config(*words: str) -> Callable[[World], object]:
    """Return what makes a setting of git's."""
    return lambda world: world.here.git("config", "--global", *words)


def by_hand(world: World) -> None:
    """Sign two in, and let git call us without the path."""
    world.both()
    world.here.azdo("unconfigure")
    world.here.git("config", "--global", "credential.helper", str(SCRIPT))


def lone_binding(world: World) -> None:
    """Bind contoso to an account that is gone."""
    world.ann()
    add_block(world.here, ("kind", "binding"), ("target", "contoso"), ("account", "gone"))


def not_configured(world: World) -> None:
    """Sign ann in; git does not call us."""
    world.ann("contoso")
    world.here.azdo("unconfigure")


def account_of_a_server(world: World) -> None:
    """Register a server, with an account."""
    world.here.azdo("server", "add", TFS)
    pairs = (("kind", "pat"), ("id", "abc"), ("name", "bob"), ("vault", "file"))
    add_block(world.here, *pairs, ("address", TFS), ("org[]", f"{TFS}/c"))


def open_vault(world: World) -> None:
    """Let others read the vault."""
    world.ann()
    vault_of(world.here).chmod(0o755)


def text_in_file(text: str) -> Callable[[World], object]:
    """Return what appends a text to the accounts file."""
    return lambda world: world.here.accounts_file.write_text(world.here.accounts_file.read_text() + text)


DOCTOR = ("doctor",)
SHOWS = {"accounts", "server_list", "pat_list", "explain", "doctor", "help_of", "again", "import_"}
"""What is asked for in them is shown, or is done at once; the line that names them stays true."""
CASES = {
    "no account, named": Case("setup", ("logout", "ann")),
    "no account, listed": Case("setup", ("accounts",)),
    "no account, at git's request": Case("setup", ("get", *at())),
    "no account, for a token": Case("setup", ("token", "--org", "contoso")),
    "no account, for tokens": Case("setup", ("pat", "list")),
    "no account, examined": Case("setup", DOCTOR),
    "no account, explained": Case("setup", ("explain", APP)),
    "a person without an account": Case(
        "setup", ("get", *at(username=ANN)), lambda world: sign_in(world.here, world.emulator.world, BOB)
    ),
    "no account of that name": Case("accounts", ("use", "x", "--default"), World.ann),
    "no account named": Case("accounts", ("logout",), World.ann),
    "an alias that is taken": Case("accounts", ("accounts", "rename", ANN, BOB), World.both),
    "what is it for": Case("use", ("use", ANN), World.ann, instead=True),
    "no remote": Case("use", ("use", ANN, "--repo"), World.ann, instead=True),
    "two that fit": Case("use", ("get", *at()), World.both),
    "two that fit, explained": Case("use", ("explain", APP), World.both),
    "a binding without its account": Case(
        "use",
        DOCTOR,
        lone_binding,
    ),
    "a token of another organization": Case(
        "setup_pat",
        ("use", ANN, "--org", "contoso"),
        lambda world: give_pat(world.here, world.pat(), ANN, "contoso-labs"),
    ),
    "a token that has expired": Case("setup_pat", ("get", *at()), World.old_pat),
    "a token on the command line": Case("setup_pat", ("setup", "pat", "x" * 52), instead=True),
    "no path, and two that fit": Case("configure", ("fill",), by_hand),
    "git does not call us": Case("configure", DOCTOR, lambda world: world.here.azdo("unconfigure")),
    "git does not call us, explained": Case("configure", ("explain", APP), not_configured),
    "another helper comes first": Case(
        "configure", DOCTOR, git_config("credential.https://dev.azure.com.helper", "store")
    ),
    "an address without TLS": Case(
        "set_url", ("explain",), lambda world: world.repository(APP.replace("https", "http"))
    ),
    "a password in the address": Case(
        "set_url",
        ("doctor", "--url", APP.replace("//", "//ann:x@")),
        lambda world: world.repository(APP),
        instead=True,
    ),
    "a header in git's configuration": Case("config_unset", DOCTOR, git_config("http.extraHeader", "X: y")),
    "no verification of certificates": Case("config_unset", DOCTOR, git_config("http.sslVerify", "false")),
    "a server that is none": Case("server_add", ("explain", f"{TFS}/x")),
    "a server without TLS": Case(
        "server_add", ("server", "add", "http://tfs.example.com", "--vault", "file"), instead=True
    ),
    "no server": Case("server_add", ("server", "list")),
    "a server that is not registered": Case("server_list", ("server", "remove", TFS)),
    "an account of a server that is removed": Case(
        "logout",
        ("server", "remove", TFS),
        account_of_a_server,
    ),
    "a token that was refused": Case(
        "explain", DOCTOR, lambda world: world.old_pat(rejected="contoso 1795358060")
    ),
    "no URL": Case("explain", ("explain",)),
    "no URL of the web": Case("doctor", ("doctor", "--url", "x")),
    "two sign-ins that fit, for a new token": Case(
        "again", ("pat", "create", "--org", "contoso"), World.both
    ),
    "a verb of another program": Case("again", ("status",)),
    "a mistyped verb": Case("again", ("acounts",)),
    "a mistyped option": Case("help_of", ("accounts", "--formt", "x")),
    "a token that is not there": Case(
        "pat_list", ("pat", "revoke", "x", "--org", "contoso"), lambda world: world.ann("contoso")
    ),
    "no token to replace": Case(
        "pat_create", ("pat", "rotate", "--org", "contoso"), lambda world: world.ann("contoso")
    ),
    "nothing to import from": Case("import_", ("import",)),
    "a damaged entry": Case("edit", DOCTOR, text_in_file("\nnonsense\n")),
    "what a damaged entry left": Case(
        "remove", DOCTOR, lambda world: world.here.accounts_file.with_name("accounts.damaged").write_text("x")
    ),
    "files that others can read": Case("private", DOCTOR, open_vault),
    "a lock of git's": Case(
        "remove", ("unconfigure",), lambda world: (world.here.folder / ".gitconfig.lock").touch()
    ),
    "a file of git's that is read-only": Case(
        "make_writable", ("unconfigure",), lambda world: (world.here.folder / ".gitconfig").chmod(0o444)
    ),
    "no configuration of git's": Case(
        "edit", ("explain", APP), lambda world: (world.here.folder / ".gitconfig").write_text("[nonsense\n")
    ),
}


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize("name", CASES)
def test_a_hint_cures(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What printed it does not print it again."""
    case = CASES[name]
    case.arranged(world)
    made: list[str] = []
    function = getattr(hints, case.hint)

    def recorded(*given: Any, **options: Any) -> str:
        made.append(function(*given, **options))
        return made[-1]

    monkeypatch.setattr(hints, case.hint, recorded)
    before = world.ask(case.words)
    line, command = printed(before, made or ["git credential-azdo ", "git remote ", "git config "])
    obeyed = world.obey(command)
    if case.hint in SHOWS or case.instead:
        assert obeyed.code == 0, (command, obeyed)
    else:
        after = world.ask(case.words)
        assert line not in (after.out + after.err).splitlines(), (command, obeyed, after)


def printed(result: Result, made: list[str]) -> tuple[str, str]:
    """Return the first line with one of these commands, and the command to its end."""
    for line in (result.out + result.err).splitlines():
        found = [at for each in made if (at := line.find(each)) >= 0]
        if found:
            return line, line[min(found) :]
    raise AssertionError((result, made))


def test_what_two_sign_ins_print_names_one_of_them(world: World) -> None:
    """A token is created by the whole command that is proposed, and revoked by the one that this proposes."""
    world.both()
    *_, hint = world.ask(("pat", "create", "--org", "contoso")).err.splitlines()
    done = world.obey(hint.removeprefix(PREFIX))
    assert (done.code, "error" in done.err) == (0, False), hint
    (revoke,) = [line for line in done.err.splitlines() if line.startswith("To revoke it: ")]
    assert world.obey(revoke.removeprefix("To revoke it: ")).code == 0
