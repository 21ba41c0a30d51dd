"""workload.py: what ``az`` is asked, and which of its answers is a token."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.errors import NetworkError, ServiceError, UsageError
from git_credential_azdo.signin import workload
from tests.support import workloads
from tests.support.marks import posix
from tests.support.metadata_service import GUID

if TYPE_CHECKING:
    from tests.conftest import Home


# Azure CLI


def test_az_that_hangs_is_ended_with_all_it_started(home: Home) -> None:
    """It is a script around Python; the deadline holds although a grandchild has our pipes."""
    body = "import subprocess; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    workloads.install_az(home, {}, body=body)
    began = time.monotonic()
    with pytest.raises(NetworkError, match="returned no token within 0 s"):
        workload.ask_az("res", "", 0.4, home.environment)
    assert time.monotonic() - began < 20


@posix
def test_az_that_is_no_program_is_reported(home: Home) -> None:
    """One line, no traceback."""
    workloads.install_az(home, {})
    (home.folder / "az bin" / "az").write_text("#!/nowhere/python\n")
    with pytest.raises(UsageError, match="the Azure CLI does not start: az could not be started"):
        workload.ask_az("res", "", 5, home.environment)


@pytest.mark.parametrize(("resource", "tenant"), [("a b", ""), ("", ""), ("res", "x & calc"), ("res", "-x")])
def test_nothing_odd_reaches_azs_command_line(resource: str, tenant: str) -> None:
    """On Windows it is read by cmd.exe."""
    with pytest.raises(UsageError, match="the tenant or the resource is not valid"):
        workload.ask_az(resource, tenant, 5, {})


@pytest.mark.parametrize("shift", [3600, -3600])
def test_the_end_of_azs_token_is_read_from_either_field(shift: int) -> None:
    """``expires_on`` is preferred; ``expiresOn`` is local time without a zone; what has ended is no token."""
    now = 1_784_841_300
    local = time.strftime("%Y-%m-%d %H:%M:%S.000000", time.localtime(now + shift))
    for fields in ({"expires_on": now + shift, "expiresOn": "x"}, {"expiresOn": local}):
        data = json.dumps({"accessToken": "at", "tenant": GUID.upper(), "tokenType": "Bearer", **fields})
        if shift < 0:
            with pytest.raises(ServiceError, match="returned a token that has expired"):
                workload.read_az(data.encode(), float(now))
            continue
        grant, tenant = workload.read_az(data.encode(), float(now))
        assert (grant.expires_in, tenant) == (shift, GUID)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"WARNING",
        b"[]",
        b"\xff",
        b'{"accessToken": "at"}',
        b'{"accessToken": "a t", "expires_on": 5}',
        b'{"expires_on": 1}',
        b'{"accessToken": "at", "expires_on": 1%b}' % (b"0" * 400),
    ],
)
def test_what_is_no_token_of_az_is_refused(data: bytes) -> None:
    """Output of another program, or of another version."""
    with pytest.raises(ServiceError, match=r"^the Azure CLI"):
        workload.read_az(data, 0.0)


@pytest.mark.parametrize("tenant", [None, 5, [1], "", "\0:x", "contoso.com"])
def test_a_token_of_az_may_come_without_a_tenant(tenant: object) -> None:
    """Then it is taken as it is."""
    printed = json.dumps({"accessToken": "at", "expires_on": 5, "tenant": tenant})
    assert workload.read_az(printed.encode(), 0.0)[1] == ""


@posix
def test_az_that_prints_without_an_end_is_not_called_slow(home: Home) -> None:
    """The next step shows what it does, and no token."""
    workloads.install_az(home, {}, body="while True: print('x' * 65536)")
    with pytest.raises(NetworkError, match="the Azure CLI printed too much") as caught:
        workload.ask_az("res", "", 30, home.environment)
    assert caught.value.hint == "az account get-access-token --output none"
