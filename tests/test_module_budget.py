"""What each path of git's verbs may load: the exact set of modules, in a fresh interpreter.

Start-up is most of what a ``get`` costs, so one careless import on top of a module would be paid twice with every
fetch. The sets are beyond what a bare interpreter has loaded already.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.watch import WATCH

if TYPE_CHECKING:
    from tests.conftest import Home

TENANT = "11111111-2222-3333-4444-555555555555"
ANN = "aa11"
PACKAGE = "git_credential_azdo"

PROBE = r"""
import sys
before = set(sys.modules)
from git_credential_azdo.__main__ import run
code = run(sys.argv[1:])
sys.stderr.write("\n".join(set(sys.modules) - before))
sys.exit(code)
"""


def ours(*names: str) -> set[str]:
    """Return our modules by their short names, with the packages they are in."""
    full = {PACKAGE}
    for name in names:
        parts = name.split(".")
        full |= {".".join([PACKAGE, *parts[: count + 1]]) for count in range(len(parts))}
    return full


NOT_OURS = ours(
    "__main__",
    "inherited",
    "hosts",
    "helper.verbs",
    "git.protocol",
    "git.target",
    "errors",
    "files",
    "paths",
) | {"__future__"}
REGISTRY = NOT_OURS | ours("accounts.account", "accounts.accounts_file")
SERVING = REGISTRY | ours("accounts.choice", "helper.answer", "tokens", "vault.payload", "vault.vaults")
STORE = REGISTRY | ours("accounts.choice", "accounts.fingerprint", "helper.issued") | {"_blake2"}
FORBIDDEN = {
    "keyring",
    "click",
    "httpx",
    "platformdirs",
    "json",
    "re",
    "typing",
    "dataclasses",
    "threading",
    "socket",
}


@pytest.fixture
def warm(home: Home) -> tuple[Home, str]:
    """Return a home whose account has a live token in the file vault, and the token."""
    token = WATCH.remember("warm" + os.urandom(600).hex())
    now = int(time.time())
    from git_credential_azdo.accounts.fingerprint import digest

    mark = digest(b"00", token)
    home.write_accounts_file(
        f"""version=1
salt=00
vault=file

kind=oauth
id={ANN}
name=ann@contoso.com
tenant={TENANT}
vault=file
org[]=contoso
token[]={TENANT} {mark} {now}

kind=learned
organization=contoso
tenant={TENANT}
"""
    )
    _keep(home, f"token={token}\nreceived_utc={now}\nexpires_utc={now + 3600}\ndigest={mark}")
    return home, token


def _keep(home: Home, payload: str) -> None:
    folder = home.accounts_file.parent / "vault" / ANN / "access"
    folder.mkdir(parents=True)
    (folder / TENANT).write_text(payload)


def loaded(home: Home, verb: str, given: str) -> tuple[set[str], str]:
    """Return what the verb loads beyond a bare interpreter, and its stdout."""
    result = home.run(sys.executable, "-c", PROBE, verb, given=given, secret_out=verb == "get")
    assert result.code == 0
    return set(result.err.split()), result.out


def test_a_foreign_host_loads_next_to_nothing(home: Home) -> None:
    """Somebody else's fetch pays for the front door only."""
    for verb in ("get", "store", "erase"):
        modules, out = loaded(home, verb, "protocol=https\nhost=github.com\nusername=u\npassword=p\n")
        assert out == ""
        assert modules == NOT_OURS


def test_a_warm_get_loads_no_library(warm: tuple[Home, str]) -> None:
    """From the file vault, nothing but our own small modules."""
    home, token = warm
    modules, out = loaded(home, "get", "protocol=https\nhost=dev.azure.com\npath=contoso/app/_git/app\n")
    assert f"password={token}" in out
    assert modules == SERVING | ours("vault.file")


def test_a_store_of_what_we_gave_opens_no_vault(warm: tuple[Home, str]) -> None:
    """The digest is enough; with state[] and without it."""
    home, token = warm
    given = f"protocol=https\nhost=dev.azure.com\npath=contoso/app/_git/app\nusername=ann@contoso.com\npassword={token}\n"
    for lines in (given, given + f"state[]=azdo:{ANN}:{TENANT}:00\n"):
        modules, out = loaded(home, "store", lines)
        assert out == ""
        assert modules == STORE


def test_a_warm_get_from_the_secret_service_loads_no_library(
    warm: tuple[Home, str], request: pytest.FixtureRequest
) -> None:
    """The direct reader needs a socket and nothing of keyring."""
    home, token = warm
    keyring_home: Home = request.getfixturevalue("keyring_home")
    assert keyring_home is home
    payload = (home.accounts_file.parent / "vault" / ANN / "access" / TENANT).read_text()
    write = (
        "import sys, keyring.backends.SecretService as s;"
        f"s.Keyring().set_password('git-credential-azdo', '{ANN}/access/{TENANT}', sys.stdin.read())"
    )
    assert home.run(sys.executable, "-c", write, given=payload).code == 0
    backend = "keyring.backends.SecretService.Keyring"
    home.accounts_file.write_text(home.accounts_file.read_text().replace("vault=file", f"vault={backend}"))
    modules, out = loaded(home, "get", "protocol=https\nhost=dev.azure.com\npath=contoso/app/_git/app\n")
    assert f"password={token}" in out
    assert modules == SERVING | ours("vault.secret_service", "vault.dbus") | {"_socket"}


def test_no_path_of_gits_verbs_names_a_forbidden_module() -> None:
    """The sets above are what is gated; they must never come to hold a library."""
    assert not (STORE | SERVING) & FORBIDDEN
