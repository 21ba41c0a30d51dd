"""Real git against the emulator: clone, fetch and push under the real host names, and every way to be refused."""

from __future__ import annotations

import concurrent.futures
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN, BOB, CONTOSO, KIM
from tests.emulator.emulator import Emulator
from tests.emulator.model import TRANSFER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP = "https://dev.azure.com/contoso/app/_git/app"
HELPER = '!f() { echo "$1" >>"$LOG"; test "$1" = get && echo username=x && echo "password=$PASSWORD"; }; f'


class Git:
    """Git with an empty home, the emulator's environment and a helper that answers one password."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.emulator = emulator
        self.folder = folder
        self.log = folder / "helper.log"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(
                folder / "gitconfig"
            ),  # git lfs install writes it, and would replace a device
            "GIT_TERMINAL_PROMPT": "0",
            **{
                f"GIT_{who}_{what}": "test@example.com"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
            **emulator.environment,
            "LOG": str(self.log),
        }

    def run(
        self, *words: str, password: str = "", cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run git; the caller looks at the exit code."""
        return subprocess.run(
            ["git", "-c", f"credential.helper={HELPER}", *words],
            cwd=cwd or self.folder,
            env={**self.environment, "PASSWORD": password},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def verbs(self) -> list[str]:
        """What git has told the helper so far."""
        return self.log.read_text().split() if self.log.exists() else []


@pytest.fixture
def git_client(tmp_path: Path) -> Iterator[Git]:
    """Give git in front of a fresh emulator."""
    home = tmp_path / "home"
    home.mkdir()
    with Emulator(str(tmp_path / "emulator")) as emulator:
        yield Git(emulator, home)


def commit(git_client: Git, clone: Path, name: str) -> None:
    """Commit a file of that name."""
    (clone / name).write_text(name * 1000)
    assert git_client.run("add", name, cwd=clone).returncode == 0
    assert git_client.run("commit", "-qm", name, cwd=clone).returncode == 0


def test_clone_push_and_fetch_with_a_pat(git_client: Git) -> None:
    """What one clone pushes, another fetches; git approves the credential each time."""
    pat = git_client.emulator.world.new_pat(ANN, ["contoso"])
    one, other = git_client.folder / "one", git_client.folder / "other"
    for clone in (one, other):
        assert git_client.run("clone", "-q", APP, str(clone), password=pat).returncode == 0
    commit(git_client, one, "new.txt")
    pushed = git_client.run("-c", "http.postBuffer=1000", "push", password=pat, cwd=one)  # small: chunked
    assert pushed.returncode == 0, pushed.stderr
    assert git_client.run("pull", "-q", password=pat, cwd=other).returncode == 0
    assert (other / "new.txt").exists()
    assert git_client.verbs == ["get", "store"] * 4
    assert any(record.header("Transfer-Encoding") == "chunked" for record in git_client.emulator.requests)


@pytest.mark.parametrize(
    "url",
    [
        "https://dev.azure.com/contoso/app/_git/app",
        "https://contoso@dev.azure.com/contoso/app/_git/app",
        "https://dev.azure.com/contoso/_git/app",
        "https://dev.azure.com/CONTOSO/App/_git/APP",
        "https://dev.azure.com/contoso/app/_git/_optimized/app",
        "https://dev.azure.com/contoso/app/_git/_full/app",
        "https://dev.azure.com/contoso/app/_optimized/_git/app",
        "https://contoso.visualstudio.com/app/_git/app",
        "https://contoso.visualstudio.com/_git/app",
        "https://contoso.visualstudio.com/DefaultCollection/app/_git/app",
        "https://contoso.visualstudio.com/DefaultCollection/_git/app",
    ],
)
def test_every_spelling_leads_to_one_repository(git_client: Git, url: str) -> None:
    """The first commit is that of the one repository ``app``."""
    world = git_client.emulator.world
    repository = world.repository("contoso", "app", "app")
    assert repository is not None
    expected = git_client.run("rev-parse", "main", cwd=git_client.folder / repository.path).stdout.strip()
    listed = git_client.run("ls-remote", url, "main", password=world.new_pat(ANN, ["contoso"]))
    assert listed.stdout.split()[:1] == [expected], listed.stderr


@pytest.mark.parametrize(
    "path", ["My%20Project/_git/My%20Repo", "100%25%20Cotton/_git/50%25%20off", "app/_git/app.wiki"]
)
def test_names_may_hold_spaces_and_percent_signs(git_client: Git, path: str) -> None:
    """As they stand in clone URLs."""
    pat = git_client.emulator.world.new_pat(ANN, ["contoso"])
    assert (
        git_client.run(
            "clone", "-q", f"https://dev.azure.com/contoso/{path}", "here", password=pat
        ).returncode
        == 0
    )


def test_entra_tokens_as_password_and_as_bearer(git_client: Git) -> None:
    """Both ways fetch; a personal account fetches from its organization."""
    world = git_client.emulator.world
    token = world.new_access_token(ANN, CONTOSO)
    assert git_client.run("ls-remote", APP, password=token).returncode == 0
    header = f"http.extraHeader=Authorization: Bearer {token}"
    assert git_client.run("-c", header, "ls-remote", APP).returncode == 0
    hobby = "https://dev.azure.com/hobby/app/_git/app"
    assert git_client.run("ls-remote", hobby, password=world.new_access_token(KIM, TRANSFER)).returncode == 0


def test_a_bad_credential_is_erased(git_client: Git) -> None:
    """401: git asks, is refused, and tells the helper to erase."""
    failed = git_client.run("ls-remote", APP, password="bogus")
    assert failed.returncode == 128
    assert "Authentication failed" in failed.stderr
    assert git_client.verbs == ["get", "erase"]


def test_a_wrong_account_is_not_erased(git_client: Git) -> None:
    """404 TF401019: the credential is good, the repository is not for it; git says nothing to the helper."""
    world = git_client.emulator.world
    world.create_repository("contoso", "app", "plans").rights[ANN] = "none"
    pat = world.new_pat(ANN, ["contoso"])
    for name in ("plans", "nothing"):
        failed = git_client.run("ls-remote", f"https://dev.azure.com/contoso/app/_git/{name}", password=pat)
        assert (failed.returncode, "not found" in failed.stderr) == (128, True), failed.stderr
    assert git_client.verbs == ["get", "get"]


def test_readers_and_narrow_pats_cannot_push(git_client: Git) -> None:
    """A reader gets 403; a PAT without the write scope gets 401 and is erased."""
    world = git_client.emulator.world
    world.organizations["contoso"].members[BOB] = "read"
    clone = git_client.folder / "clone"
    assert (
        git_client.run("clone", "-q", APP, str(clone), password=world.new_pat(BOB, ["contoso"])).returncode
        == 0
    )
    commit(git_client, clone, "new.txt")
    assert "403" in git_client.run("push", password=world.new_pat(BOB, ["contoso"]), cwd=clone).stderr
    narrow = git_client.run("push", password=world.new_pat(ANN, ["contoso"], "vso.code"), cwd=clone)
    assert "Authentication failed" in narrow.stderr
    assert git_client.verbs == ["get", "store", "get", "get", "erase"]


def test_conditional_access_is_a_403(git_client: Git) -> None:
    """Git reports it and tells the helper nothing."""
    git_client.emulator.world.organizations["contoso"].policies.conditional_access = True
    failed = git_client.run(
        "ls-remote", APP, password=git_client.emulator.world.new_access_token(ANN, CONTOSO)
    )
    assert (failed.returncode, "403" in failed.stderr) == (128, True)
    assert git_client.verbs == ["get"]


def test_public_repositories_need_no_credential(git_client: Git) -> None:
    """For reading."""
    url = "https://dev.azure.com/contoso-open/app/_git/app"
    assert git_client.run("clone", "-q", url, "here").returncode == 0
    assert git_client.verbs == []


def test_other_servers_clone_and_push(git_client: Git) -> None:
    """Over https on another port and over plain http; the repository comes to be on the way."""
    for url in ("https://git.example.com:8443", "http://tfs.example.com"):
        git_client.emulator.add_server(url, {"x": "s3cret"})
        clone = git_client.folder / url.split("/")[2].replace(":", "-")
        assert (
            git_client.run("clone", "-q", f"{url}/tfs/col/app", str(clone), password="s3cret").returncode == 0
        )
        commit(git_client, clone, "new.txt")
        assert git_client.run("push", "-q", password="s3cret", cwd=clone).returncode == 0


def test_eight_clones_at_once(git_client: Git) -> None:
    """All of them succeed, of a repository that nobody has touched before."""
    pat = git_client.emulator.world.new_pat(ANN, ["contoso"])
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = list(
            pool.map(lambda n: git_client.run("clone", "-q", APP, f"clone{n}", password=pat), range(8))
        )
    assert [one.stderr for one in done if one.returncode] == []


@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed")
@pytest.mark.parametrize("url", [APP, "https://git.example.com:8443/tfs/col/app"])
def test_large_files_travel(git_client: Git, url: str) -> None:
    """git-lfs uploads with the push and downloads with the next clone."""
    git_client.emulator.add_server("https://git.example.com:8443", {"x": "s3cret"})
    password = git_client.emulator.world.new_pat(ANN, ["contoso"]) if url == APP else "s3cret"
    one, other = git_client.folder / "one", git_client.folder / "other"
    assert git_client.run("lfs", "install", "--skip-repo").returncode == 0
    assert git_client.run("clone", "-q", url, str(one), password=password).returncode == 0
    for words in (["install", "--local"], ["track", "*.bin"]):
        assert git_client.run("lfs", *words, cwd=one).returncode == 0
    assert git_client.run("add", ".gitattributes", cwd=one).returncode == 0
    commit(git_client, one, "large.bin")
    pushed = git_client.run("push", password=password, cwd=one)
    assert pushed.returncode == 0, pushed.stderr
    cloned = git_client.run("clone", "-q", url, str(other), password=password)
    assert cloned.returncode == 0, cloned.stderr
    assert (other / "large.bin").read_text() == "large.bin" * 1000
    assert any(record.method == "PUT" for record in git_client.emulator.requests)
