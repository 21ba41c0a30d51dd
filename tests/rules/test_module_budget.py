"""What each path of git's verbs may load in a fresh interpreter, beyond what a bare one has: a budget, by rule.

Start-up is most of what a ``get`` costs, so one careless import on top of a module would be paid twice with every
fetch. Nothing of third parties, nothing of the standard library that costs milliseconds, and few modules of ours.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.people import TENANT, WARM

if TYPE_CHECKING:
    from tests.conftest import Home

PACKAGE = "git_credential_azdo"
ASK = "protocol=https\nhost=dev.azure.com\npath=contoso/app/_git/app\n"

PROBE = r"""
import sys
before = set(sys.modules)
from git_credential_azdo.__main__ import run
code = run(sys.argv[1:])
sys.stderr.write("\n".join(set(sys.modules) - before))
sys.exit(code)
"""

# Each costs a millisecond or more, or loads others that do.
HEAVY = {
    "dataclasses",
    "enum",
    "functools",
    "json",
    "re",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "typing",
}


def check(modules: set[str], *, ours: int, others: int) -> None:
    """Check the names of modules against the rules, with at most so many of ours and of the standard library."""
    own = {name for name in modules if name.split(".")[0] == PACKAGE}
    top = {name.split(".")[0] for name in modules - own}
    assert not top - sys.stdlib_module_names
    assert not top & HEAVY
    assert len(own) <= ours, sorted(own)
    assert len(modules - own) <= others, sorted(modules - own)


def within_budget(home: Home, verb: str, given: str, *, ours: int, others: int) -> str:
    """Run the verb, check what it loads, and return its stdout."""
    result = home.run(sys.executable, "-c", PROBE, verb, given=given, secret_out=verb == "get")
    assert result.code == 0
    check(set(result.err.split()), ours=ours, others=others)
    return result.out


@pytest.mark.parametrize("verb", ["get", "store", "erase"])
def test_a_foreign_host_loads_next_to_nothing(home: Home, verb: str) -> None:
    """Somebody else's fetch pays for the front door only."""
    given = "protocol=https\nhost=github.com\nusername=u\npassword=p\n"
    assert within_budget(home, verb, given, ours=11, others=1) == ""


def test_a_warm_get_loads_no_library(warm: tuple[Home, str]) -> None:
    """From the file vault, nothing but our own small modules."""
    home, token = warm
    assert f"password={token}" in within_budget(home, "get", ASK, ours=19, others=1)


def test_a_store_of_what_we_gave_opens_no_vault(warm: tuple[Home, str]) -> None:
    """The digest is enough; with state[] and without it."""
    home, token = warm
    given = f"{ASK}username=ann@contoso.com\npassword={token}\n"
    for lines in (given, given + f"state[]=azdo:{WARM}:{TENANT}:00\n"):
        assert within_budget(home, "store", lines, ours=16, others=2) == ""


def test_a_warm_get_from_the_secret_service_loads_no_library(
    warm: tuple[Home, str], request: pytest.FixtureRequest
) -> None:
    """The direct reader needs a socket and nothing of keyring."""
    home, token = warm
    keyring_home: Home = request.getfixturevalue("keyring_home")
    assert keyring_home is home
    payload = (home.accounts_file.parent / "vault" / WARM / "access" / TENANT).read_text()
    write = (
        "import sys, keyring.backends.SecretService as s;"
        f"s.Keyring().set_password('git-credential-azdo', '{WARM}/access/{TENANT}', sys.stdin.read())"
    )
    assert home.run(sys.executable, "-c", write, given=payload).code == 0
    backend = "keyring.backends.SecretService.Keyring"
    home.accounts_file.write_text(home.accounts_file.read_text().replace("vault=file", f"vault={backend}"))
    assert f"password={token}" in within_budget(home, "get", ASK, ours=21, others=2)


@pytest.mark.parametrize(
    "modules",
    [{"json.decoder"}, {"httpx"}, {PACKAGE, f"{PACKAGE}.a", f"{PACKAGE}.b"}, {"_socket", "_blake2"}],
    ids=["heavy", "third party", "too many of ours", "too many others"],
)
def test_what_breaks_a_rule_is_noticed(modules: set[str]) -> None:
    """Each rule by itself."""
    check({PACKAGE, f"{PACKAGE}.a", "_socket"}, ours=2, others=1)
    with pytest.raises(AssertionError):
        check(modules, ours=2, others=1)
