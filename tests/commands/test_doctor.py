"""``doctor``: what it finds, what it says to do, and that nothing makes it fail, hang or show a secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.commands.doctor_machine import FAIL, OK, WARN
from tests.conftest import SCRIPT
from tests.emulator.default_world import ANN, BOB, FABRIKAM
from tests.emulator.faults import wrong_certificate
from tests.support.people import add_block, give_pat, sign_in, vault_of
from tests.support.watch import new_password

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.support.keyrings import PrivateKeyring
    from tests.support.people import Account

OURS = f"""[credential "https://dev.azure.com"]
\thelper =
\thelper = {SCRIPT}
\tuseHttpPath = true
[credential "https://*.visualstudio.com"]
\thelper =
\thelper = {SCRIPT}
"""


def configure(home: Home, text: str) -> None:
    """Write git's global configuration."""
    (home.folder / ".gitconfig").write_text(text)


def examine(home: Home, *words: str, **environment: str) -> list[dict[str, str]]:
    """Run ``doctor``; its exit code is 0 exactly when nothing failed."""
    result = home.azdo("doctor", "--format", "json", *words, **environment)
    document = json.loads(result.out)
    failures = [check for check in document["checks"] if check["state"] == FAIL]
    assert (result.code, document["ok"]) == ((1, False) if failures else (0, True))
    checks: list[dict[str, str]] = document["checks"]
    return checks


def has(checks: list[dict[str, str]], name: str, state: str, text: str, cure: str = "") -> bool:
    """Say whether there is such a check."""
    return any(
        (each["name"], each["state"]) == (name, state) and text in each["text"] and cure in each["hint"]
        for each in checks
    )


@pytest.fixture
def well(home: Home, emulator: Emulator) -> Account:
    """Return the account of a home in which everything is as setup leaves it."""
    configure(home, OURS)
    account = sign_in(home, emulator.world, ANN, "contoso", "contoso-labs")
    home.accounts_file.chmod(0o600)
    return account


def test_a_well_home_has_one_line_a_check_and_exit_code_0(home: Home, well: Account) -> None:
    """Everything is named: program, git, vault, accounts file, account, hosts, clock and token."""
    result = home.azdo("doctor")
    assert (result.code, result.err) == (0, ""), result.out
    assert "FAIL" not in result.out
    lines = [line.split(maxsplit=2) for line in result.lines if line.startswith("ok ")]
    assert {name for _, name, *_ in lines} >= {"git-credential-azdo", "PATH", "git", "useHttpPath", "vault"}
    assert [text.split()[0] for _, name, text in lines if name == "network"] == [
        "dev.azure.com",
        "login.microsoftonline.com",
        "app.vssps.visualstudio.com",
    ]
    assert all("certificate verified" in text for _, name, text in lines if name == "network")
    assert f"token                {ANN} is accepted by contoso, contoso-labs" in result.out
    assert "clock                agrees" in result.out
    assert len(result.lines) <= 40
    assert well.token() not in result.out


@pytest.mark.usefixtures("emulator")
def test_nothing_at_all_costs_one_line_each(home: Home) -> None:
    """No account, no git configuration, no keyring: no traceback, and setup is the cure."""
    checks = examine(home)
    assert has(checks, "git helper", FAIL, "git does not call this helper", "git credential-azdo configure")
    assert has(checks, "account", WARN, "there is no account in ", "git credential-azdo setup")
    assert has(checks, "vault", WARN, "keyring", "--vault file")
    assert has(checks, "accounts file", OK, "does not exist yet")
    assert not any(each["name"] == "token" for each in checks)


@pytest.mark.usefixtures("well")
def test_without_git_each_check_that_needs_it_says_so(home: Home) -> None:
    """The others go on."""
    checks = examine(home, PATH=str(home.folder))
    assert has(checks, "git", FAIL, "git was not found on PATH", "https://git-scm.com")
    assert has(checks, "PATH", WARN, "not on PATH", "pipx ensurepath")
    assert has(checks, "token", OK, ANN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            f'[credential]\n\thelper = store --file=x\n[credential "https://dev.azure.com"]\n\thelper = {SCRIPT}\n',
            (
                "git helper",
                FAIL,
                "git first asks store, set by credential.helper",
                "credential-azdo configure",
            ),
            id="somebody is asked before us",
        ),
        pytest.param(
            f"{OURS}[credential]\n\thelper = manager\n",
            ("git helper", WARN, "git also gives the token to manager", "git credential-azdo configure"),
            id="somebody gets our token",
        ),
        pytest.param(
            OURS.replace(str(SCRIPT), "/nowhere/git-credential-azdo"),
            ("git helper", FAIL, "does not exist", "git credential-azdo configure"),
            id="our path is stale",
        ),
        pytest.param(
            f"{OURS}[http]\n\tsslVerify = false\n",
            ("git TLS", WARN, "not verified", "--unset-all http.sslverify"),
            id="no TLS check",
        ),
        pytest.param(
            f"{OURS}[http]\n\textraHeader = X-A: b\n",
            ("git header", WARN, "before any helper", "--unset-all http.extraheader"),
            id="a header",
        ),
    ],
)
@pytest.mark.usefixtures("well")
def test_gits_configuration_is_judged(home: Home, text: str, expected: tuple[str, str, str, str]) -> None:
    """Who answers, who listens, and what would go around us."""
    configure(home, text)
    assert has(examine(home), *expected)


def test_all_that_is_wrong_with_accounts_has_a_line_and_a_cure(
    home: Home, well: Account, emulator: Emulator
) -> None:
    """Expired, ending, for all organizations, refused, gone from the vault; bindings to nobody; damaged entries."""
    pat = emulator.world.new_pat
    give_pat(home, pat(ANN, ["contoso"], "vso.code"), "old", "contoso", expires_in=-60)
    give_pat(home, pat(ANN, ["contoso"], "vso.code"), "ending", "contoso", expires_in=5 * 86_400 + 60)
    give_pat(home, pat(ANN, None, "vso.code"), "everywhere", "*")
    give_pat(home, pat(ANN, ["contoso"], "vso.code"), "refused", "contoso").set_all(
        "rejected[]", ["contoso 5"]
    )
    gone = give_pat(home, pat(ANN, ["contoso"], "vso.code"), "gone", "contoso")
    gone.vault.delete(f"{gone.id}/pat")
    add_block(home, ("kind", "binding"), ("target", "contoso/app/app"), ("account", "nobody"))
    with home.accounts_file.open("a") as file:
        file.write("\nthis is no line of ours\n")
    home.accounts_file.chmod(0o644)
    (vault_of(home) / well.id / "refresh").chmod(0o644)
    checks = examine(home)
    again = "git credential-azdo setup pat --org contoso"
    assert has(checks, "account", FAIL, "old (pat, contoso): expired", again)
    assert has(checks, "account", WARN, "ending (pat, contoso): it expires in 5 days", again)
    assert has(
        checks,
        "account",
        WARN,
        "all organizations): it is for all organizations, and stops working on 1 December 2026",
    )
    assert has(
        checks, "account", WARN, "refused by contoso", "explain https://dev.azure.com/contoso --online"
    )
    assert has(checks, "account", FAIL, "gone (pat, contoso): sign-in needed", again)
    assert has(checks, "account", OK, f"{ANN} (oauth, contoso, contoso-labs): ready")
    assert has(checks, "binding", FAIL, "contoso/app/app is bound", "use ACCOUNT --org contoso")
    assert has(checks, "accounts file", FAIL, "ignored: 1", str(home.accounts_file))
    assert has(checks, "accounts file", WARN, "other users can read", "chmod -R go=")
    assert has(checks, "vault", FAIL, "other users can read", "chmod -R go=")
    accepted = [each["text"] for each in checks if (each["name"], each["state"]) == ("token", OK)]
    assert [text.split()[0] for text in accepted] == [ANN, "ending", "everywhere", "refused"]


@pytest.mark.usefixtures("well")
def test_a_token_that_is_refused_is_named_with_its_organization(home: Home, emulator: Emulator) -> None:
    """A revoked PAT, one without the code scope, and a person who is no member."""
    revoked = emulator.world.new_pat(BOB, ["contoso"], "vso.code")
    emulator.world.revoke(revoked)
    give_pat(home, revoked, BOB, "contoso")
    give_pat(home, emulator.world.new_pat(ANN, ["contoso"], "vso.work"), "narrow", "contoso")
    sign_in(home, emulator.world, BOB, "fabrikam", "contoso-labs", tenant=FABRIKAM)
    emulator.world.organizations["fabrikam"].policies.conditional_access = True
    checks = examine(home)
    assert has(checks, "token", FAIL, "the organization contoso does not accept", "setup pat --org contoso")
    assert has(checks, "token", FAIL, "narrow: the organization contoso does not accept", "setup pat")
    assert has(checks, "token", FAIL, "VS403463", "policy allows")
    assert has(checks, "token", OK, f"{ANN} is accepted by contoso, contoso-labs")


@pytest.mark.usefixtures("well")
def test_offline_costs_a_line_a_host_and_one_for_all_its_tokens(home: Home, emulator: Emulator) -> None:
    """What cannot be reached is told with its reason; tokens that could not be tried are one line, and no failure."""
    give_pat(home, emulator.world.new_pat(ANN, ["contoso"], "vso.code"), "second", "contoso")
    emulator.refuse("dev.azure.com")
    emulator.refuse("login.microsoftonline.com", wrong_certificate())
    checks = examine(home)
    assert has(checks, "network", FAIL, "cannot reach dev.azure.com")
    assert has(checks, "network", FAIL, "certificate verification failed", "http.sslCAInfo")
    assert has(checks, "network", OK, "app.vssps.visualstudio.com")
    (token,) = [each for each in checks if each["name"] == "token"]
    assert (token["state"], "not tried: cannot reach dev.azure.com" in token["text"]) == (WARN, True)


@pytest.mark.parametrize(
    ("seconds", "state", "text"),
    [(120, WARN, "s behind the servers' clocks"), (-4_000, FAIL, "s ahead of the servers' clocks")],
)
def test_a_wrong_clock_is_reported(
    home: Home, emulator: Emulator, seconds: int, state: str, text: str
) -> None:
    """By the Date of the answers."""
    emulator.world.advance(seconds)
    assert has(examine(home), "clock", state, text, "timedatectl")


def test_no_secret_of_environment_configuration_or_address_is_shown(home: Home, emulator: Emulator) -> None:
    """The watch on secrets reads all that is printed; who needs a value sees that it is set."""
    secret = new_password()
    configure(
        home,
        f"{OURS}[http]\n\tproxy = http://user:{secret}@127.0.0.1:9\n"
        f'\textraHeader = "AUTHORIZATION: basic {secret}"\n'
        f'[credential "https://dev.azure.com"]\n\thelper = "!f() {{ echo password={secret}; }}; f"\n',
    )
    environment = {"AZURE_DEVOPS_EXT_PAT": secret, "SYSTEM_ACCESSTOKEN": secret, "OTHER_SECRET": secret}
    proxies = dict.fromkeys(("https_proxy", "HTTPS_PROXY"), f"http://user:{secret}@127.0.0.1:9")
    url = f"https://ann:{secret}@dev.azure.com/contoso/app/_git/app"
    checks = examine(home, "--url", url, **environment, **proxies)
    assert has(checks, "git network", OK, "http.proxy=http://***@127.0.0.1:9")
    assert has(checks, "environment", OK, "HTTPS_PROXY=http://***@127.0.0.1:9")
    assert has(checks, "environment", OK, "AZURE_DEVOPS_EXT_PAT is set")
    assert has(checks, "token variable", WARN, "AZURE_DEVOPS_EXT_PAT is used", "unset AZURE_DEVOPS_EXT_PAT")
    assert has(checks, "token variable", WARN, "SYSTEM_ACCESSTOKEN is ignored without TF_BUILD")
    assert has(checks, "address", WARN, "contains a password")
    assert has(checks, "git helper", WARN, "gives the token to a shell command")
    assert not any("OTHER_SECRET" in each["text"] for each in checks)
    assert emulator.requests == []


@pytest.mark.usefixtures("well")
def test_one_remote_is_looked_at(home: Home, emulator: Emulator) -> None:
    """Who serves it, and why; a server of one's own is reached, too; what is no web address is refused."""
    url = "https://contoso@dev.azure.com/contoso/app/_git/app"
    assert has(examine(home, "--url", url), "choice", OK, f"{ANN} (the only account set up for contoso)")
    assert has(
        examine(home, "--url", url.replace("contoso@", "eve@")),
        "choice",
        FAIL,
        "eve",
        "use https://dev.azure.com/contoso/app/_git/app",
    )
    add_block(home, ("kind", "server"), ("address", "https://tfs.example.com"))
    emulator.add_server("https://tfs.example.com", {"ann": "x"})
    checks = examine(home, "--url", "https://tfs.example.com/a/_git/b")
    assert has(checks, "network", OK, "tfs.example.com answers")
    result = home.azdo("doctor", "--url", "git@ssh.dev.azure.com:v3/contoso/app/app")
    assert (result.code, result.out) == (1, "")


def test_a_locked_keyring_is_a_line_and_no_dialog(
    keyring_home: Home, private_keyring: PrivateKeyring
) -> None:
    """Unlocked, the time it takes is told; locked, the cure is unlock."""
    keyring_home.write_accounts_file(
        "version=1\nsalt=00\nvault=keyring.backends.SecretService.Keyring\n\nkind=pat\nid=1\nname=ann\n"
        "vault=keyring.backends.SecretService.Keyring\norg[]=contoso\n"
    )
    proxy = {"HTTPS_PROXY": "http://127.0.0.1:9"}
    assert has(examine(keyring_home, **proxy), "vault", OK, "wrote, read and deleted an entry in")
    private_keyring.lock()
    try:
        checks = examine(keyring_home, **proxy)
    finally:
        private_keyring.unlock()
    assert has(checks, "vault", FAIL, "locked", "git credential-azdo unlock")
    assert has(checks, "account", FAIL, "ann (pat, contoso): keyring locked", "git credential-azdo unlock")


@pytest.mark.usefixtures("emulator")
def test_an_accounts_file_of_a_newer_version_is_one_line(home: Home) -> None:
    """Nothing else is guessed from it."""
    home.write_accounts_file("version=2\n")
    checks = examine(home)
    assert has(checks, "accounts file", FAIL, "newer version", "pipx upgrade")
    assert not any(each["name"] == "account" for each in checks)
