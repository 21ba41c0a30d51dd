"""A token endpoint that fails is asked once a minute for an account, however many ask; others answer what is known."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.accounts.account import Account as View
from git_credential_azdo.accounts.account import Block
from git_credential_azdo.accounts.update import failure_of, mark_failure
from git_credential_azdo.errors import NetworkError
from tests.emulator import faults
from tests.emulator.default_world import ANN
from tests.support.people import STALE, assert_refused, at, sign_in
from tests.support.running import Begun

if TYPE_CHECKING:
    from tests.conftest import Home
    from tests.emulator.emulator import Emulator
    from tests.emulator.faults import Fault
    from tests.support.people import Account

LOGIN = "login.microsoftonline.com"
MANY = 6
LINES = "".join(f"{line}\n" for line in at()).encode()


def pass_time(account: Account, seconds: int) -> None:
    """Move the marks of failures back."""
    moved = []
    for text in account.all("failed[]"):
        mark, _, rest = text.partition("|")
        tenant, since, until = mark.split(" ")
        end = until if until == "setup" else int(until) - seconds
        moved.append(f"{tenant} {int(since) - seconds} {end}|{rest}")
    account.set_all("failed[]", moved)


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (faults.server_error(status=500), 60),
        (faults.server_error(status=503), 60),
        (faults.too_many_requests(retry_after=120), 120),
        (faults.too_many_requests(retry_after=99_999), 3_600),
        (faults.close_connection(), 60),
        (faults.html_page(), 60),
    ],
    ids=["500", "503", "429", "429 for a day", "closed", "page"],
)
def test_a_failing_endpoint_is_asked_once(
    home: Home, emulator: Emulator, stale: Account, fault: Fault, seconds: int
) -> None:
    """Until the pause is over; then one request answers, and nothing is remembered."""
    emulator.refuse(LOGIN, fault)
    first = home.get(*at())
    assert_refused(first, "")
    error = first.err.splitlines()[0]
    again = home.get(*at())
    assert_refused(again, f"{error}; the next request is due in ")
    assert len(emulator.requests) == 1
    pass_time(stale, seconds - 30)
    home.get(*at())
    assert len(emulator.requests) == 1
    pass_time(stale, 30)
    del emulator.faults[LOGIN]
    assert home.get(*at()).fields["password"] == stale.token()
    assert (len(emulator.requests), stale.all("failed[]")) == (2, [])


def test_many_at_once_make_one_request(home: Home, emulator: Emulator, stale: Account) -> None:
    """All of them are stopped with the same words."""
    assert stale.token()
    fault = emulator.refuse(LOGIN, faults.hang())
    running = [Begun(home, "get", given=LINES) for _ in range(MANY)]
    assert fault.arrived.wait(90)
    emulator.refuse(LOGIN, faults.server_error())
    emulator.world.fail_next("token", 90033)
    fault.released.set()
    for each in running:
        _, out, err = each.ended()
        assert (out, err.count(b"error: ")) == (b"quit=1\n", 1)
    assert len(emulator.requests) == 1


def test_a_sign_in_that_was_refused_for_good_is_not_asked_again(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """Until the person signs in; also with a version that knows nothing of marks."""
    emulator.world.grants.refresh.clear()
    first = home.get(*at())
    assert_refused(first, ANN)
    stale.keep("refresh", received_utc="1000000000")
    pass_time(stale, 10**6)
    assert home.get(*at()).err == first.err
    assert len(emulator.requests) == 1
    home.azdo("logout", ANN)
    again = sign_in(home, emulator.world, ANN, "contoso")
    again.set_all("failed[]", [f"* {int(time.time()) - 60} setup|refused|run setup"])
    again.let_pass(STALE)
    assert home.get(*at()).fields["password"] == again.token()


def test_what_never_reached_the_endpoint_is_tried_at_once(
    home: Home, emulator: Emulator, stale: Account
) -> None:
    """A network that is back, a proxy or a certificate that is set right: the next ``get`` must find out."""
    nowhere = "http://127.0.0.1:1"
    assert_refused(home.get(*at(), HTTPS_PROXY=nowhere, https_proxy=nowhere), "cannot reach")
    emulator.refuse(LOGIN, faults.wrong_certificate(times=1))
    assert_refused(home.get(*at()), "certificate")
    assert stale.all("failed[]") == []
    assert home.get(*at()).fields["password"] == stale.token()


@pytest.mark.parametrize(
    ("mark", "counts"),
    [
        ("* 1000 1060|m|h", True),
        ("t 1000 1060|m|h", True),
        ("u 1000 1060|m|h", False),
        ("* 1000 setup|m|h", True),
        ("* 1000 9999999|m|h", True),
        ("* 1000 1030|m|h", False),
        ("* 1033 1090|m|h", False),
        ("* -1 1060|m|h", False),
        ("*", False),
        ("", False),
        ("* 1000 soon|m", False),
        ("* 1000 1060", True),
    ],
)
def test_a_mark_counts_for_its_tenant_and_time(mark: str, *, counts: bool) -> None:
    """A damaged one, and one of a clock that was set back, does not; none counts for more than an hour."""
    account = View(Block([("failed[]", mark)]))
    assert (failure_of(account, "t", 1_031) is not None) is counts
    assert failure_of(account, "t", 1_000 + 3_601) is None or "setup" in mark


def test_marks_do_not_grow() -> None:
    """One for each tenant, the newest few; what divides their words is taken out of them."""
    account = View(Block())
    for number in range(20):
        mark_failure(account, f"t{number % 10}", NetworkError("a|b\nc", "d"), number, 60)
    texts = account.block.all("failed[]")
    assert (len(texts), texts[-1]) == (6, "t9 19 79|a/b?c|d")
