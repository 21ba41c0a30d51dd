"""A repository never steers what we send: real git, a folder of the attacker's, and a proxy that must hear nothing.

Where the attacker's lines would be obeyed, the refresh token would go to a socket on loopback that notes what it hears. The emulator stands in for everybody who may be asked.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.conftest import SCRIPT
from tests.emulator.default_world import ANN
from tests.support.people import STALE, at, sign_in
from tests.support.web import hanging_up, server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account

OURS = f'[credential "https://dev.azure.com"]\n\thelper = {SCRIPT}\n\tuseHttpPath = true\n'


class Attacker(NamedTuple):
    """A proxy of the attacker's: its address, and what was said to it."""

    address: str
    heard: list[bytes]


@pytest.fixture
def evil() -> Iterator[Attacker]:
    """Return the attacker's proxy."""
    heard: list[bytes] = []
    with server(hanging_up(heard)) as port:
        yield Attacker(f"http://127.0.0.1:{port}", heard)


@pytest.fixture
def ann(home: Home, emulator: Emulator) -> Account:
    """Return a person's account whose token has to be refreshed, in a home that git is set up in."""
    (home.folder / ".gitconfig").write_text(OURS)
    account = sign_in(home, emulator.world, ANN, "contoso")
    account.let_pass(STALE)
    return account


def lines(evil: Attacker) -> str:
    """Return the attacker's section: a proxy, trust in a file beside it, and no check of certificates."""
    return f"[http]\n\tproxy = {evil.address}\n\tsslCAInfo = ca.pem\n\tsslVerify = false\n"


def bare(folder: Path, evil: Attacker, emulator: Emulator) -> Path:
    """Make a folder of ordinary files that git takes for a bare repository."""
    for name in ("objects", "refs"):
        (folder / name).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "config").write_text(f"[core]\n\tbare = true\n{lines(evil)}")
    shutil.copy(emulator.ca_file, folder / "ca.pem")
    return folder


def clone(home: Home, folder: Path, evil: Attacker) -> Path:
    """Make a clone whose own file holds the attacker's lines, for every form of URL that we ask."""
    home.git("init", "-q", folder)
    hosts = ("dev.azure.com", "login.microsoftonline.com", "*.microsoftonline.com")
    text = lines(evil) + "".join(lines(evil).replace("[http]", f'[http "https://{host}"]') for host in hosts)
    with open(folder / ".git" / "config", "a", encoding="utf-8") as file:
        file.write(text)
    return folder


def included(home: Home, folder: Path, evil: Attacker) -> Path:
    """Make a clone whose own file includes the attacker's, by its folder and without a condition."""
    home.git("init", "-q", folder)
    (folder / "more").write_text(lines(evil))
    home.git("config", "include.path", "../more", cwd=folder)
    home.git("config", "includeIf.gitdir:**.path", str(folder / "more"), cwd=folder)
    return folder


def worktree(home: Home, folder: Path, evil: Attacker) -> Path:
    """Make a clone whose worktree's file holds the attacker's lines."""
    home.git("init", "-q", folder)
    home.git("config", "extensions.worktreeConfig", "true", cwd=folder)
    (folder / ".git" / "config.worktree").write_text(lines(evil))
    return folder


@pytest.fixture(params=["bare", "clone", "included", "worktree"])
def repository(
    request: pytest.FixtureRequest, home: Home, tmp_path: Path, evil: Attacker, emulator: Emulator
) -> Path:
    """Return a repository of the attacker's, each in one of the forms."""
    folder = tmp_path / "repository"
    if request.param == "bare":
        return bare(folder, evil, emulator)
    return {"clone": clone, "included": included, "worktree": worktree}[request.param](home, folder, evil)


def fill(home: Home, cwd: Path, **environment: str) -> Result:
    """Let real git ask for a credential, in a folder."""
    given = "\n".join([*at(), "", ""])
    return home.run("git", "credential", "fill", given=given, cwd=cwd, secret_out=True, **environment)


def test_its_configuration_does_not_lead_the_refresh_to_its_proxy(
    home: Home, ann: Account, evil: Attacker, repository: Path
) -> None:
    """By ``token`` and by git itself; git does see those lines there, so the attack has its shape."""
    seen = home.git("config", "http.proxy", cwd=repository).out
    assert seen.strip() == evil.address
    for by_git in (False, True):
        old = ann.token()
        if by_git:
            result = fill(home, repository)
        else:
            result = home.fork(SCRIPT, "token", "--org", "contoso", cwd=repository, secret_out=True)
        assert (result.code, result.err) == (0, "")
        assert ann.token() != old
        assert ann.token() in result.out
        ann.let_pass(STALE)
    assert not evil.heard


def test_its_configuration_does_not_switch_the_check_of_certificates_off(
    home: Home, ann: Account, evil: Attacker, repository: Path
) -> None:
    """Nor is a file of its own believed: without the emulator's authority nothing is sent to it."""
    untrusted = dict.fromkeys(("SSL_CERT_FILE", "GIT_SSL_CAINFO"), "/etc/ssl/certs/ca-certificates.crt")
    old = ann.secret("refresh")
    result = fill(home, repository, **untrusted)
    assert "certificate verification failed" in result.err
    assert "not checked" not in result.err
    assert (ann.secret("refresh"), evil.heard) == (old, [])


@pytest.mark.usefixtures("ann")
def test_what_we_pass_over_is_named(home: Home, evil: Attacker, repository: Path) -> None:
    """By explain and by doctor, with the file."""
    url = "https://dev.azure.com/contoso/app/_git/app"
    explained = home.fork(SCRIPT, "explain", url, "--format", "json", cwd=repository)
    named = json.loads(explained.out)["ignored_settings"]
    assert {text.split(" in ")[0] for text in named} >= {"http.proxy", "http.sslcainfo", "http.sslverify"}
    assert all(text.endswith(("(local)", "(worktree)")) for text in named)
    told = home.fork(SCRIPT, "doctor", "--url", url, cwd=repository).out
    assert [text for text in named if f"{text} is used by git, but not by this program" not in told] == []
    assert not evil.heard


def test_a_home_that_is_the_repository_is_no_persons_configuration(
    home: Home, ann: Account, evil: Attacker, tmp_path: Path
) -> None:
    """A relative HOME or GIT_CONFIG_GLOBAL makes the repository's file a global one; it is passed over and named."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / ".gitconfig").write_text(lines(evil) + OURS)
    where = {"XDG_CONFIG_HOME": str(home.folder / ".config"), "GIT_CONFIG_GLOBAL": ".gitconfig"}
    assert home.git("config", "http.proxy", cwd=folder, **where).out.strip() == evil.address
    result = fill(home, folder, **where)
    assert (result.code, result.err, evil.heard) == (0, "", [])
    assert ann.token() in result.out


@pytest.mark.usefixtures("emulator")
def test_a_repository_that_git_cannot_read_stops_the_refresh_in_one_line(
    home: Home, ann: Account, tmp_path: Path
) -> None:
    """What is not known is not guessed; git itself refuses to work there."""
    folder = tmp_path / "repository"
    home.git("init", "-q", folder)
    (folder / ".git" / "config").write_text("[http\n")
    old = ann.secret("refresh")
    result = home.fork(SCRIPT, "get", given="\n".join(at()), cwd=folder, secret_out=True)
    assert (result.code, result.out) == (0, "quit=1\n")
    assert "git cannot read its configuration: bad config line 1 in file .git/config" in result.err
    assert ann.secret("refresh") == old


@pytest.mark.usefixtures("ann")
def test_an_own_setting_for_some_folders_counts_there(home: Home, evil: Attacker, tmp_path: Path) -> None:
    """``includeIf`` in a person's own file is the person's, whatever repository makes it hold."""
    folder = tmp_path / "repository"
    home.git("init", "-q", folder)
    (home.folder / "work").write_text(f"[http]\n\tproxy = {evil.address}\n")
    home.git("config", "--global", f"includeIf.gitdir:{folder}/.path", str(home.folder / "work"))
    result = home.fork(SCRIPT, "get", given="\n".join(at()), cwd=folder, secret_out=True)
    assert result.out == "quit=1\n"
    assert evil.heard
