"""Texts of servers, addresses, git and the accounts file on a person's screen: none steers it, none runs when pasted.

Each verb is met by a name, an address or an error with control sequences, a turned direction of writing and a command
for the shell in it.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.errors import printable
from tests.conftest import SCRIPT
from tests.emulator import faults
from tests.emulator.default_world import ANN
from tests.emulator.messages import json_response
from tests.support.people import at, sign_in
from tests.support.watch import new_password

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator

TITLE = "\x1b]0;owned\x07"
TURNED = "\u202emoc"
COMMAND = "$(touch owned)`touch owned`;touch owned"
HOSTILE = f"mallory{TITLE}\x9b2J{TURNED}{COMMAND}'\""
SHOWN = f"mallory?]0;owned??2J?moc{COMMAND}'\""


def check(result: Result, *shown: str) -> Result:
    """Return the result once nothing of it steers a terminal, and each text is there in its harmless form."""
    for stream in (result.out, result.err):
        for line in stream.split("\n"):
            assert line == printable(line)
    for text in shown:
        assert text in result.out + result.err
    assert "this is a bug" not in result.err
    return result


def in_shell(home: Home, line: str) -> None:
    """Paste a proposed command into a real shell, where our own name is a function that does nothing."""
    done = home.run("sh", "-c", f"git() {{ :; }}; {line}")
    assert (done.code, done.err) == (0, ""), line
    assert not list(home.folder.rglob("owned"))


def hints(result: Result, word: str = "git credential-azdo") -> list[str]:
    """Return the commands that the output proposes."""
    return [
        line[line.index(word) :].partition(", or ")[0].partition("; ")[0]
        if "'" not in line
        else line[line.index(word) :]
        for line in [*result.err.splitlines(), *result.out.splitlines()]
        if word in line
    ]


def answer(document: object) -> faults.Fault:
    """Let the service answer with this document."""
    return faults.Fault("respond", json_response(200, document))


def test_whose_token_it_is(home: Home, emulator: Emulator) -> None:
    """The name that the service gives to a token's owner, in setup and in all that shows the account afterwards."""
    user = {"id": str(uuid.uuid4()), "properties": {"Account": {"$value": HOSTILE}}}
    emulator.refuse("dev.azure.com/contoso/_apis/connectionData", answer({"authenticatedUser": user}))
    token = emulator.world.new_pat(ANN, ["contoso"])
    setup = check(home.azdo("setup", "--vault", "file", "pat", "--org", "contoso", given=token), SHOWN)
    assert setup.code == 0
    in_shell(home, next(line for line in hints(setup) if "logout" in line))
    check(home.azdo("accounts"), SHOWN)
    rows = check(home.azdo("accounts", "--format", "json")).out
    assert json.loads(rows)[0]["name"] == SHOWN
    check(home.azdo("explain", "https://dev.azure.com/contoso/app/_git/app"), SHOWN)
    check(home.azdo("doctor"), SHOWN)
    check(home.azdo("logout", SHOWN), f"{SHOWN} is removed")


def test_which_organizations_it_reaches(home: Home, emulator: Emulator) -> None:
    """The profile and the list of organizations are the service's words, too."""
    member = {"id": str(uuid.uuid4()), "emailAddress": HOSTILE, "displayName": TITLE}
    emulator.refuse("app.vssps.visualstudio.com/_apis/profile", answer(member))
    names = {"value": [{"accountName": "contoso"}, {"accountName": HOSTILE}, {"accountName": TITLE}]}
    emulator.refuse("app.vssps.visualstudio.com/_apis/accounts", answer(names))
    token = emulator.world.new_pat(ANN)
    check(home.azdo("setup", "--vault", "file", "pat", "--all-orgs", given=token))
    check(home.azdo("accounts"))


def test_what_a_refusal_says(home: Home, emulator: Emulator) -> None:
    """In its body, of whatever kind the service says it is."""
    document = {"message": HOSTILE, "typeKey": TITLE, "error": TITLE, "error_description": HOSTILE}
    sign_in(home, emulator.world, ANN, "contoso")
    for status in (200, 400, 401, 403, 404, 500):
        for place in ("vssps.dev.azure.com/contoso", "dev.azure.com/contoso"):
            emulator.refuse(place, faults.Fault("respond", json_response(status, document)))
        check(home.azdo("pat", "list", "--org", "contoso"))
        check(home.azdo("pat", "create", "--org", "contoso"))
        check(home.azdo("explain", "https://dev.azure.com/contoso/app/_git/app", "--online"))
        check(home.azdo("setup", "pat", "--vault", "file", "--org", "contoso", given=new_password(52)))


def test_names_in_the_accounts_file(home: Home, emulator: Emulator) -> None:
    """Whoever wrote them there; git's line and its hints, and every verb that lists accounts."""
    for name, default in ((HOSTILE, "1"), (f"--all{TITLE}", "")):
        sign_in(home, emulator.world, ANN, "contoso", fields={"name": name, "default": default})
    got = check(home.get(*at("contoso/app/_git/app"), f"username={ANN}"), SHOWN, "--all?]0;owned?")
    for line in hints(got):
        in_shell(home, line)
    check(home.azdo("accounts"), SHOWN)
    check(home.azdo("doctor"), SHOWN)
    check(home.azdo("use", "nobody"), SHOWN)
    check(home.azdo("pat", "list", "--org", "contoso"))
    check(home.azdo("explain", "https://dev.azure.com/contoso/app/_git/app", "--online"), SHOWN)
    assert home.azdo("logout", "--all").code == 0


def test_a_remotes_address(home: Home, emulator: Emulator, tmp_path: Path) -> None:
    """A repository's own configuration may hold any address; ``use --repo`` shows and binds what is in it."""
    sign_in(home, emulator.world, ANN, "contoso")
    repository = tmp_path / "w"
    home.git("init", "-q", repository)
    home.git("remote", "add", "origin", "x", cwd=repository)
    for address in (
        "https://dev.azure.com/contoso/p%1b]0;owned%07%e2%80%ae/_git/r",
        "https://dev.azure.com/contoso/p/_git/r%24(touch owned)%0aforged",
        f"https://x{TITLE}@dev.azure.com/contoso/{TITLE}/_git/{COMMAND}",
        f"https://dev.azure.com/{COMMAND}{TITLE}/p/_git/r",
    ):
        home.git("config", "remote.origin.url", address, cwd=repository)
        check(home.fork(SCRIPT, "use", ANN, "--repo", cwd=repository))
        check(home.fork(SCRIPT, "explain", address, "--online"))
    home.git(
        "config", "remote.origin.url", "https://dev.azure.com/contoso/p%1b]0;owned%07/_git/r", cwd=repository
    )
    bound = home.fork(SCRIPT, "use", ANN, "--repo", cwd=repository)
    check(bound, f"{ANN} serves the repository contoso/p?]0;owned?/r")
    home.git("remote", "add", "other", "https://dev.azure.com/contoso/p/_git/r", cwd=repository)
    home.git("remote", "rename", "origin", "first", cwd=repository)
    several = check(home.fork(SCRIPT, "use", ANN, "--repo", cwd=repository), "several remotes")
    for line in hints(several):
        in_shell(home, line)
    check(home.fork(SCRIPT, "doctor", "--url", f"https://dev.azure.com/contoso/{COMMAND}{TITLE}"))


def test_gits_own_words(home: Home, emulator: Emulator, tmp_path: Path) -> None:
    """git quotes names of files and settings as they are."""
    del emulator
    odd = tmp_path / f"odd{TITLE}"
    odd.write_text("[broken\n")
    for words in (["explain", "https://dev.azure.com/contoso"], ["doctor"], ["use", "ann", "--repo"]):
        check(home.azdo(*words, GIT_CONFIG_GLOBAL=str(odd)))
    odd.write_text(f'[credential "https://dev.azure.com/x{COMMAND}{TITLE}"]\n\thelper = "!echo {TITLE}"\n')
    check(home.azdo("doctor", GIT_CONFIG_GLOBAL=str(odd)))
    check(home.azdo("explain", "https://dev.azure.com/contoso", GIT_CONFIG_GLOBAL=str(odd)))


def test_names_of_tokens_at_the_service(home: Home, emulator: Emulator) -> None:
    """Anybody's browser can give a token any name."""
    sign_in(home, emulator.world, ANN, "contoso")
    made = home.azdo("pat", "create", "--org", "contoso", "--name", HOSTILE)
    check(made)
    assert made.code == 0, made.err
    for line in hints(made):
        in_shell(home, line)
    check(home.azdo("pat", "list", "--org", "contoso"), "mallory")
    check(home.azdo("pat", "revoke", HOSTILE, "--org", "contoso"))


@pytest.mark.usefixtures("emulator")
def test_a_damaged_accounts_file(home: Home) -> None:
    """Every value of every block, among them vaults and addresses that nobody would write."""
    home.write_accounts_file(
        "version=1\nsalt=00\nvault=file\n\n"
        f"kind=oauth\nid={COMMAND}{TITLE}\nname={HOSTILE}\nvault={HOSTILE}\ntenant={TITLE}\norg[]=contoso\n"
        f"org[]={COMMAND}{TITLE}\nexpires_utc=999999999999999999\nrejected[]={COMMAND} 1\n\n"
        f"kind=pat\nid=p\nname={TURNED}\nvault=file\naddress={COMMAND}{TITLE}\norg[]=*\nexpires_utc=999999999999999999\n\n"
        f"kind=server\naddress=https://{COMMAND}{TITLE}\n\nkind=services\nhost={TITLE}\nlogin={TITLE}\n\n"
        f"kind=binding\ntarget=contoso/{TITLE}\naccount=p\n\nkind={TITLE}\n"
    )
    for words in (
        ["accounts"],
        ["accounts", "--format", "json"],
        ["doctor"],
        ["explain", "https://dev.azure.com/contoso"],
        ["server", "list"],
        ["pat", "list"],
        ["unlock"],
        ["logout", HOSTILE],
        ["logout", "--all"],
    ):
        check(home.azdo(*words))
    check(home.get(*at("contoso/app/_git/app")))
