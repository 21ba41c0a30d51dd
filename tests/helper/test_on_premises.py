"""Azure DevOps Server on premises: a PAT for its collections, beside what people type to git; nothing of Entra."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.conftest import SCRIPT
from tests.support.people import blocks, sign_in
from tests.support.terminal import Terminal
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator
    from tests.emulator.other_hosts import Server

TFS = "https://tfs.example.com"
DEFAULT = f"{TFS}/tfs/DefaultCollection"
ERIN = "CORP\\erin"
CHALLENGES = ["Bearer", f'Basic realm="{TFS}/tfs"']
FILE = ("--vault", "file")


@pytest.fixture
def tfs(emulator: Emulator) -> Server:
    """Return a server with two collections."""
    return emulator.add_server(TFS, {"frank": new_password()}, CHALLENGES)


def set_up(home: Home, token: str, *words: str, server: str = DEFAULT) -> Result:
    """Run ``setup pat --server`` with the token on stdin."""
    return home.azdo("setup", "pat", "--server", server, *FILE, *words, given=f"{token}\n")


def at(
    path: str | None = "tfs/DefaultCollection/app/_git/app", host: str = "tfs.example.com", **more: str
) -> list[str]:
    """Return the lines of a request for the server."""
    lines = {"protocol": "https", "host": host, **({} if path is None else {"path": path}), **more}
    return [f"{key}={value}" for key, value in lines.items()]


def account(home: Home) -> dict[str, str]:
    """Return the only PAT account's block."""
    (found,) = (dict(pairs) for pairs in blocks(home) if ("kind", "pat") in pairs)
    return found


def test_a_token_is_checked_saved_and_serves_real_git(home: Home, emulator: Emulator, tfs: Server) -> None:
    """connectionData by Basic tells whose it is; then clone and push ask nobody, with no path sent."""
    token = tfs.new_token(new_password(), ERIN, "tfs/DefaultCollection")
    result = set_up(home, token, "--alias", "onprem")
    assert (result.code, result.out) == (0, "")
    assert f"Signed in as {ERIN} (onprem)" in result.err
    assert f"Organizations: {DEFAULT.lower()}" in result.err
    assert f"    {TFS}\n" in result.err
    assert "dev.azure.com" not in result.err
    assert (account(home)["address"], account(home)["name"]) == (TFS, ERIN)
    (asked,) = [record for record in emulator.requests if record.path.lower().endswith("connectiondata")]
    assert asked.host == "tfs.example.com"
    clone = home.git("clone", "-q", f"{DEFAULT}/app/_git/app", "work")
    assert (clone.code, clone.err) == (0, "")
    assert (
        home.git(
            "-C", "work", "-c", "user.name=E", "-c", "user.email=e@x", "commit", "-qm", "x", "--allow-empty"
        ).code
        == 0
    )
    pushed = home.git("-C", "work", "push", "-q")
    assert (pushed.code, pushed.err) == (0, "")
    assert {record.host for record in emulator.requests} == {"tfs.example.com"}
    assert not any(("kind", "typed") in pairs for pairs in blocks(home))


def test_what_the_server_refuses_is_not_saved(home: Home, tfs: Server) -> None:
    """Also a token of another collection."""
    token = tfs.new_token(new_password(), ERIN, "tfs/Other")
    result = set_up(home, token)
    assert result.code == 1
    assert f"{DEFAULT.lower()} does not accept this token" in result.err
    assert f"hint: look at it on {DEFAULT.lower()}/_usersSettings/tokens" in result.err
    assert not any(("kind", "pat") in pairs for pairs in blocks(home))
    assert not any(("kind", "server") in pairs for pairs in blocks(home))


def test_each_collection_has_its_token_and_no_path_asks_for_one(home: Home, tfs: Server) -> None:
    """The path decides, whole segments of it; without it git is told how to send it; a default ends the question."""
    aliases = {"One": "one", "One2": "two", "My Stuff": "mine"}
    tokens = {name: tfs.new_token(new_password(), ERIN, f"tfs/{name}") for name in aliases}
    for name, token in tokens.items():
        url = f"{TFS}/tfs/{quote(name)}"
        assert set_up(home, token, "--alias", aliases[name], server=url).code == 0
    for name, token in tokens.items():
        for path in (f"tfs/{name}/_git/x", f"tfs/{name.lower()}", f"TFS/{quote(name)}/p/_git/x.git/info/lfs"):
            assert home.get(*at(path)).fields["password"] == token
    elsewhere = home.get(*at("tfs/Three/_git/x"))
    assert (elsewhere.out, elsewhere.err) == ("", "")
    without = home.get(*at(None))
    assert without.lines == ["quit=1"]
    assert f"several accounts match {TFS}: one, two, mine" in without.err
    assert f"git config --global credential.{TFS}.useHttpPath true" in without.err
    assert home.azdo("use", "two", "--default").code == 0
    assert home.get(*at(None)).fields["password"] == tokens["One2"]
    assert home.get(*at("tfs/One/_git/x")).fields["password"] == tokens["One"]


def test_one_token_may_be_for_several_collections(home: Home, tfs: Server) -> None:
    """``--server`` is repeated; each is checked."""
    token = tfs.new_token(new_password(), ERIN, "one", "two")
    result = set_up(home, token, "--server", f"{TFS}/Two", server=f"{TFS}/One")
    assert result.code == 0, result.err
    assert [home.get(*at(f"{name}/_git/x")).fields["password"] for name in ("One", "Two")] == [token, token]
    wrong = set_up(home, token, "--server", f"{TFS}/Three", server=f"{TFS}/One")
    assert (wrong.code, f"{TFS}/three does not accept" in wrong.err) == (1, True)


def test_typed_credentials_live_beside_the_token(home: Home, tfs: Server) -> None:
    """Whom the address names is honoured; the token's own news never become stored credentials."""
    token = tfs.new_token(new_password(), ERIN, "tfs/DefaultCollection")
    assert set_up(home, token).code == 0
    typed = tfs.users["frank"]
    for request in (at(), at(None)):
        assert home.store(*request, "username=frank", f"password={typed}").err == ""
        assert home.get(*request, "username=frank").lines == [f"password={typed}"]
        answer = home.get(*request)
        assert (answer.fields["username"], answer.fields["password"]) == (ERIN, token)
        saved = home.accounts_file.read_text()
        assert home.store(*request, f"username={ERIN}", f"password={token}").err == ""
        assert home.accounts_file.read_text() == saved
    assert home.erase(*at(), "username=frank", f"password={typed}").err == ""
    assert home.get(*at(), "username=frank").out == ""
    assert home.get(*at()).fields["password"] == token


def test_a_refused_token_is_marked_asked_once_and_never_deleted(
    home: Home, emulator: Emulator, tfs: Server
) -> None:
    """As for tokens of Azure DevOps Services: fine again unmarks it, refused again says what to do."""
    token = tfs.new_token(new_password(), ERIN, "tfs/DefaultCollection")
    assert set_up(home, token).code == 0
    assert home.erase(*at(None), f"username={ERIN}", f"password={token}").err == ""
    assert "rejected[]" in account(home)
    before = len(emulator.requests)
    assert home.get(*at()).fields["password"] == token
    assert len(emulator.requests) == before + 1
    assert "rejected[]" not in account(home)
    tfs.tokens.clear()
    assert home.erase(*at(), f"username={ERIN}", f"password={token}").err == ""
    result = home.get(*at())
    assert result.lines == ["quit=1"]
    assert f"{DEFAULT.lower()} rejects the personal access token {ERIN}" in result.err
    assert f"setup pat --org {DEFAULT.lower()}" in result.err
    renewed = tfs.new_token(new_password(), ERIN, "tfs/DefaultCollection")
    again = home.azdo("setup", "pat", "--org", DEFAULT, *FILE, given=renewed)
    assert again.code == 0, again.err
    assert home.get(*at()).fields["password"] == renewed
    assert account(home)["name"] == ERIN


def test_http_is_taken_only_where_the_server_was_registered_so(home: Home, emulator: Emulator) -> None:
    """And then the token never serves https, nor the other way round."""
    plain = "http://tfs.example.com:8080"
    server = emulator.add_server(plain, {}, CHALLENGES)
    token = server.new_token(new_password(), ERIN, "tfs/C")
    refused = set_up(home, token, server=f"{plain}/tfs/C")
    assert (refused.code, emulator.requests) == (1, [])
    assert f"server add {plain} --allow-http" in refused.err
    assert home.azdo("server", "add", plain, "--allow-http", *FILE).code == 0
    assert set_up(home, token, server=f"{plain}/tfs/C").code == 0
    request = ["protocol=http", "host=tfs.example.com:8080", "path=tfs/C/_git/x"]
    assert home.get(*request).fields["password"] == token
    for other in (["protocol=https", *request[1:]], ["protocol=http", "host=tfs.example.com", request[2]]):
        result = home.get(*other)
        assert (result.code, result.out, result.err) == (0, "", "")


def test_a_servers_token_is_nothing_for_azure_devops_and_the_other_way_round(
    home: Home, emulator: Emulator, tfs: Server
) -> None:
    """Each account serves its own place only, with and without a path."""
    ann = sign_in(home, emulator.world)
    token = tfs.new_token(new_password(), ERIN, "tfs/DefaultCollection")
    assert set_up(home, token).code == 0
    services = ["protocol=https", "host=dev.azure.com"]
    for request in (services, [*services, "path=contoso/app/_git/app"]):
        assert home.get(*request).fields["password"] == ann.token()
    for request in (at(), at(None)):
        assert home.get(*request).fields["password"] == token
        assert (
            home.get(
                *request, "wwwauth[]=Bearer authorization_uri=https://login.microsoftonline.com/x"
            ).fields["password"]
            == token
        )
    assert home.get(*services, f"username={ERIN}").out == ""
    assert home.get(*at(), f"username={ann.all('name')[0]}").out == ""
    result = home.azdo("use", ERIN, "--org", "contoso")
    assert (result.code, f"is a token for {DEFAULT.lower()}, not for contoso" in result.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pat", "--server", TFS], "--server takes the address of a collection"),
        (["pat", "--server", f"{DEFAULT}/app/_git/app"], "--server takes the address of a collection"),
        (["pat", "--server", "tfs.example.com/tfs"], "not the URL of a server"),
        (["pat", "--server", "https://dev.azure.com/contoso"], "dev.azure.com is a Microsoft host"),
        (["pat", "--server", DEFAULT, "--org", "contoso"], "one account cannot serve both"),
        (["pat", "--server", DEFAULT, "--all-orgs"], "--all-orgs is for Azure DevOps Services"),
        (["pat", "--org", DEFAULT], "is not the name of an organization"),
    ],
)
def test_what_cannot_be_is_refused_before_a_token_is_read(
    home: Home, emulator: Emulator, words: list[str], said: str
) -> None:
    """One line and a hint; nobody is asked."""
    result = home.azdo("setup", *FILE, *words, given="x")
    assert (result.code, result.err.count("\n"), emulator.requests) == (1, 2, [])
    assert said in result.err


def test_the_prompt_is_hidden_and_names_the_servers_own_page(home: Home, tfs: Server) -> None:
    """On a terminal the token is asked for, with the page where it is made."""
    token = tfs.new_token(new_password(), ERIN, "tfs/DefaultCollection")
    with Terminal(home, "setup", "pat", "--server", DEFAULT, *FILE) as terminal:
        terminal.see(f"{DEFAULT.lower()}/_usersSettings/tokens")
        terminal.see("Personal access token")
        terminal.type(f"{token}\r")
        assert terminal.ended() == 0


def test_people_see_and_forget_it(home: Home, tfs: Server) -> None:
    """accounts, explain, token and logout know it; removing the server says that it is still saved."""
    token = tfs.new_token(new_password(), ERIN, "tfs/DefaultCollection")
    assert set_up(home, token, "--alias", "onprem").code == 0
    table = home.azdo("accounts").out
    assert DEFAULT.lower() in table
    assert "onprem" in table
    told = home.azdo("explain", f"{DEFAULT}/app/_git/app").out
    assert "account:            onprem" in told
    assert "result:             credential" in told
    live = home.fork(SCRIPT, "token", "--org", DEFAULT, secret_out=True)
    assert live.out.strip() == token
    removed = home.azdo("server", "remove", TFS)
    assert "git credential-azdo logout onprem" in removed.err
    assert home.get(*at()).out == ""
    assert home.azdo("logout", "onprem").code == 0
    assert not any(("kind", "pat") in pairs for pairs in blocks(home))


def test_server_add_still_needs_no_account(home: Home) -> None:
    """Stored credentials as ever, silently."""
    assert home.azdo("server", "add", TFS, *FILE).code == 0
    password = new_password()
    assert home.store(*at(), "username=frank", f"password={password}").err == ""
    assert home.get(*at()).lines == ["username=frank", f"password={password}"]
    assert home.get(*at(None)).lines == ["username=frank", f"password={password}"]
