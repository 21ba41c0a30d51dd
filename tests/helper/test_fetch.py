"""Real git with us as its helper, against the emulator: clone, fetch, push, submodules, git-lfs, and being refused."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.emulator import faults
from tests.emulator.default_world import ANN, BOB, CONTOSO, FABRIKAM, KIM
from tests.emulator.model import TRANSFER
from tests.support.fetching import APP, AZURE, LOGIN, done
from tests.support.marks import git_lfs
from tests.support.people import OLD, STALE, at, bind, everything_saved, sign_in
from tests.support.running import patiently

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.people import Account


URLS = {
    "with the organization, as Azure has it": "https://contoso@dev.azure.com/contoso/app/_git/app",
    "with a user": f"https://{ANN.replace('@', '%40')}@dev.azure.com/contoso/app/_git/app",
    "older host": "https://contoso.visualstudio.com/DefaultCollection/app/_git/app",
    "blanks": f"{AZURE}/contoso/My%20Project/_git/My%20Repo",
    "percent signs": f"{AZURE}/contoso/100%25%20Cotton/_git/50%25%20off",
}
"""What git decodes or splits before it asks; ``test_get`` has all spellings of its question."""


def test_every_url_works_without_a_question(user: Home, emulator: Emulator, ann: Account) -> None:
    """Git asks us and nobody else; the token is warm, so its endpoint is not asked."""
    for what, url in URLS.items():
        assert "HEAD" in done(user.git("ls-remote", url)).out, what
    assert (emulator.seen(LOGIN), ann.token() != "") == ([], True)


def test_clone_commit_push_fetch(user: Home, emulator: Emulator, ann: Account) -> None:
    """The main job; what git confirms changes nothing of ours."""
    done(user.git("clone", APP, "work"))
    before = everything_saved(user)
    work = user.folder / "work"
    (work / "new").write_text("text")
    for words in (["add", "new"], ["commit", "-qm", "new"], ["push"], ["fetch"], ["pull", "--ff-only"]):
        done(user.git(*words, cwd=work))
    heads = done(user.git("ls-remote", APP)).out
    assert done(user.git("rev-parse", "HEAD", cwd=work)).out.strip() in heads
    assert everything_saved(user) == before
    assert (emulator.seen(LOGIN), ann.all("rejected[]")) == ([], [])


def test_a_stale_token_costs_one_request(user: Home, emulator: Emulator, ann: Account) -> None:
    """Then the new one serves."""
    ann.let_pass(STALE)
    done(user.git("ls-remote", APP))
    done(user.git("ls-remote", APP))
    assert len(emulator.seen(LOGIN)) == 1


def test_a_token_that_died_early_is_replaced_with_the_next_command(
    user: Home, emulator: Emulator, ann: Account
) -> None:
    """It was revoked at the server: this command fails, the next one refreshes and works."""
    del emulator.world.grants.access[ann.token()]
    ann.let_pass(OLD)
    failed = user.git("ls-remote", APP)
    assert failed.code != 0
    done(user.git("ls-remote", APP))
    assert len(emulator.seen(LOGIN)) == 1


def test_a_fresh_token_that_is_refused_is_explained_at_the_second_try(
    user: Home, emulator: Emulator, ann: Account
) -> None:
    """Ann is no member there: no storm of refreshes, and one line that says who and where."""
    emulator.world.organizations["contoso"].members.clear()
    assert user.git("ls-remote", APP).code != 0
    second = user.git("ls-remote", APP)
    assert second.code != 0
    assert f"error: the organization contoso rejected a new token of {ANN} (tenant {CONTOSO})" in second.err
    assert (emulator.seen(LOGIN), ann.secret("refresh") != {}) == ([], True)


def test_an_organization_of_another_tenant_is_confirmed_before_that_tenant_hears_of_a_user(
    user: Home, emulator: Emulator, ann: Account
) -> None:
    """Whoever owns a tenant sees who asks it for a token, and a repository can name any organization."""
    url = f"{AZURE}/fabrikam/app/_git/app"
    assert ann.token()
    first = user.git("ls-remote", url)
    second = user.git("ls-remote", url)
    assert (first.code, second.code, emulator.seen(LOGIN)) == (128, 128, [])
    hint = f"if {ANN} is a member or guest there: git credential-azdo use {ANN} --org fabrikam"
    assert hint in second.err
    assert f"the organization fabrikam belongs to tenant {FABRIKAM}" in second.err
    done(user.azdo("use", ANN, "--org", "fabrikam"))
    done(user.git("ls-remote", url))
    assert [record.path for record in emulator.seen(LOGIN)] == [f"/{FABRIKAM}/oauth2/v2.0/token"]


def test_the_first_command_in_a_confirmed_organization_learns_its_tenant(
    user: Home, emulator: Emulator, ann: Account
) -> None:
    """Old git or new: a token of the right tenant at once, and no question for it the next time."""
    url = f"{AZURE}/fabrikam/app/_git/app"
    bind(user, "fabrikam", ann)
    done(user.git("ls-remote", url))
    assert [record.path for record in emulator.seen(LOGIN)] == [f"/{FABRIKAM}/oauth2/v2.0/token"]
    emulator.requests.clear()
    done(user.git("ls-remote", url))
    assert (emulator.seen(LOGIN), emulator.seen("dev.azure.com", "HEAD")) == ([], [])
    assert ann.token(FABRIKAM)


def test_a_personal_account_reads_its_own(user: Home, emulator: Emulator) -> None:
    """No tenant backs its organization."""
    kim = sign_in(user, emulator.world, KIM, tenant=TRANSFER)
    done(user.git("ls-remote", f"{AZURE}/hobby/app/_git/app"))
    assert (kim.token(TRANSFER) != "", emulator.seen(LOGIN)) == (True, [])


def test_submodules_of_two_organizations_use_two_accounts(
    user: Home, emulator: Emulator, ann: Account
) -> None:
    """Each organization has its own; a recursive fetch asks each endpoint once at most."""
    bob = sign_in(user, emulator.world, BOB, "fabrikam", tenant=FABRIKAM)
    done(user.git("clone", APP, "work"))
    work = user.folder / "work"
    for organization in ("contoso-labs", "fabrikam"):
        url = f"{AZURE}/{organization}/app/_git/app"
        done(user.git("submodule", "add", url, organization, cwd=work))
    done(user.git("commit", "-qm", "submodules", cwd=work))
    done(user.git("push", cwd=work))
    ann.let_pass(STALE)
    bob.let_pass(STALE, FABRIKAM)
    emulator.requests.clear()
    done(user.git("clone", "--recurse-submodules", "--jobs=4", APP, "again"))
    assert sorted(record.path for record in emulator.seen(LOGIN)) == [
        f"/{CONTOSO}/oauth2/v2.0/token",
        f"/{FABRIKAM}/oauth2/v2.0/token",
    ]
    assert (user.folder / "again" / "fabrikam" / ".git").exists()


@git_lfs
def test_git_lfs_pushes_and_fetches_with_the_same_account(
    user: Home, emulator: Emulator, ann: Account
) -> None:
    """It asks for the path below the repository."""
    done(user.git("lfs", "install", "--skip-repo"))
    done(user.git("clone", APP, "work"))
    work = user.folder / "work"
    done(user.git("lfs", "track", "*.bin", cwd=work))
    (work / "large.bin").write_bytes(b"large" * 1_000)
    for words in (["add", "."], ["commit", "-qm", "large"], ["push"]):
        done(user.git(*words, cwd=work))
    done(user.git("clone", APP, "again"))
    assert (user.folder / "again" / "large.bin").read_bytes() == b"large" * 1_000
    assert ann.all("rejected[]") == []
    assert [
        record
        for record in emulator.seen("dev.azure.com/contoso/app/_git/app.git/info/lfs")
        if record.status == 200
    ]


@git_lfs
def test_a_binding_of_the_repository_serves_git_lfs_too(user: Home, emulator: Emulator, ann: Account) -> None:
    """Another account would serve the organization."""
    other = emulator.world.add_person("abe@contoso.com", "Abe Example", CONTOSO).name
    abe = sign_in(user, emulator.world, other, "contoso")
    assert user.azdo("use", ANN, "--org", "contoso").code == 0
    lines = at("contoso/app/_git/app.git/info/lfs")
    assert user.get(*lines).fields["password"] == ann.token()
    done(user.git("clone", APP, "work"))
    done(user.run("git-credential-azdo", "use", other, "--repo", cwd=user.folder / "work"))
    assert user.get(*lines).fields["password"] == abe.token()


def test_git_that_is_interrupted_leaves_no_process_behind(
    user: Home, emulator: Emulator, ann: Account
) -> None:
    """Git dies while we wait for the sign-in host: we end with the time that a ``get`` has."""
    ann.let_pass(STALE)
    fault = emulator.refuse(LOGIN, faults.hang())

    def interrupted(seconds: str) -> bytes:
        environment = {**user.environment, "AZDO_TIMEOUT": seconds}
        pipe = subprocess.PIPE
        git = subprocess.Popen(
            ["git", "ls-remote", APP], env=environment, cwd=user.folder, stdout=pipe, stderr=pipe
        )
        fault.arrived.wait(float(seconds))
        git.kill()
        return git.communicate(timeout=90)[1]  # ends when our process, which holds the other end, has ended

    err, _ = patiently(interrupted, lambda _: fault.arrived.is_set())
    assert (fault.arrived.is_set(), b"Traceback" in err) == (True, False)
    fault.released.set()
    emulator.faults.clear()
    again = user.git(
        "ls-remote", APP
    )  # our process may have waited to its end, and noted that the host does not answer
    assert again.code == 0 or "the next request is due in" in again.err


def test_a_folder_with_a_hostile_name(user: Home, ann: Account, tmp_path: Path) -> None:
    """The current folder's name is no argument of ours."""
    folder = tmp_path / "a b;$(touch x)'"
    folder.mkdir()
    done(user.git("ls-remote", APP, cwd=folder))
    assert (list(folder.iterdir()), ann.token() != "") == ([], True)
