"""``setup device-code``: what a person sees and types, how it ends, and who said no."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo import hints
from git_credential_azdo.commands import setup
from git_credential_azdo.signin import device
from git_credential_azdo.signin.oauth import OAuthError
from tests.emulator.default_world import ANN, BOB, CONTOSO
from tests.support.people import at, of_kind
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Home, Result
    from tests.emulator.emulator import Emulator

DEVICE = ("setup", "device-code", "--vault", "file", "--no-git-config")
LINK = "https://microsoft.com/devicelogin"


class Person:
    """Somebody who acts in the pauses between two polls, one act in each; ``pauses`` in seconds."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.acts: list[Callable[[], object]] = []
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        """Let a pause go by at once."""
        self.pauses.append(seconds)
        if self.acts:
            self.acts.pop(0)()

    @property
    def code(self) -> str:
        """The code to type."""
        return list(self.emulator.world.grants.devices.values())[-1].user_code

    def types_it(self, person: str | None = ANN) -> None:
        """Type the code and sign in; None: decline."""
        self.emulator.enter_device_code(self.code, person)


@pytest.fixture
def person(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Return somebody with a phone."""
    someone = Person(emulator)
    monkeypatch.setattr(setup, "time", SimpleNamespace(sleep=someone.pause))
    return someone


def failed(home: Home, result: Result) -> list[str]:
    """Return the error and the hint of a sign-in that failed, which kept nothing."""
    assert result.code == 1
    assert of_kind(home, "oauth") == []
    return [line.partition("git-credential-azdo: ")[2] for line in result.err.splitlines()[-2:]]


def test_who_types_the_code_is_signed_in(home: Home, person: Person) -> None:
    """Link and code are printed; what is kept serves git like any sign-in."""
    person.acts = [lambda: None, person.types_it]
    result = home.azdo(*DEVICE)
    assert (result.code, result.out) == (0, "")
    assert f"{LINK}\n{person.code}\n" in result.err
    assert "left" not in result.err
    assert "█" not in result.err
    assert f"Signed in as {ANN}" in result.err
    assert "Organizations: contoso, contoso-labs" in result.err
    assert home.get(*at()).fields["username"] == ANN
    assert person.pauses == [5, 5]


def test_a_server_that_is_in_trouble_or_in_a_hurry_is_asked_more_slowly(home: Home, person: Person) -> None:
    """slow_down costs five seconds for good, trouble of its own doubles the pause."""
    person.emulator.world.fail_next("token", "slow_down")
    for code in (90033, 90055):
        person.emulator.world.fail_next("token", code)
    person.acts = [*[lambda: None] * 3, person.types_it]
    assert home.azdo(*DEVICE).code == 0
    assert person.pauses == [5, 10, 20, 40]


def test_a_declined_sign_in_is_called_declined(home: Home, person: Person) -> None:
    """It is nobody's policy."""
    person.acts = [lambda: person.types_it(None)]
    error, hint = failed(home, home.azdo(*DEVICE))
    assert error == (
        "error: the sign-in was declined; the server says: AADSTS: the end user denied the authorization request "
        "(authorization_declined)"
    )
    assert hint == "hint: run the same command again"


def test_another_person_than_the_hint_is_refused_without_a_terminal(home: Home, person: Person) -> None:
    """The hint is the same command for who it was."""
    person.acts = [lambda: person.types_it(BOB)]
    error, hint = failed(home, home.azdo(*DEVICE, "--login-hint", ANN))
    assert error == f"error: {BOB} signed in, not {ANN}; nothing was stored"
    assert hint == f"hint: git credential-azdo {' '.join(DEVICE)} --login-hint {BOB}"


def test_a_tenant_that_blocks_device_codes_is_named(home: Home, person: Person) -> None:
    """The cure is the browser, on any machine."""
    person.emulator.world.tenants[CONTOSO].blocks_device_code = True
    person.acts = [person.types_it]
    error, hint = failed(home, home.azdo(*DEVICE, "--tenant", "contoso.com"))
    assert error.startswith(
        "error: tenant contoso.com blocks the sign-in by device code: its Conditional Access policies forbid it (AADSTS"
    )
    assert "trace id" in error
    assert (
        hint == "hint: sign in without device-code, with a browser on any machine: git credential-azdo setup"
    )


def test_a_tenant_may_refuse_before_there_is_a_code(home: Home, person: Person) -> None:
    """The same words."""
    person.emulator.world.fail_next("devicecode", 53003)
    result = home.azdo(*DEVICE)
    assert "blocks the sign-in by device code" in failed(home, result)[0]
    assert LINK not in result.err


def test_a_code_that_is_not_entered_expires(home: Home, person: Person) -> None:
    """A page that blocks the person leaves us waiting, so the hint covers that, too."""
    person.acts = [lambda: person.emulator.world.advance(901)]
    error, hint = failed(home, home.azdo(*DEVICE))
    assert error == "error: the code was not entered in time"
    assert hint.startswith(
        "hint: run the same command again for a new one; if the page said that access is blocked"
    )


@pytest.mark.parametrize("code", [50005, 50097, 53000, 53001, 53002, 53003, 530032, 530033, 530035])
def test_every_code_of_a_policy_counts_as_the_tenants(code: int) -> None:
    """Whatever error it comes with."""
    for error in ("access_denied", "invalid_grant", "authorization_declined"):
        refused = OAuthError(error, codes=(code,))
        said = device.explain(refused, who=None, tenant=None, setup=hints.setup)
        assert said.message.startswith("the tenant blocks the sign-in by device code")
        assert f"AADSTS{code}" in said.message
        assert said.hint
        assert said.hint.startswith("sign in without device-code")


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (OAuthError("access_denied"), "the sign-in was declined"),
        (OAuthError("access_denied", codes=(65004,)), "the sign-in was declined"),
        (OAuthError("expired_token", codes=(70019,)), "not entered in time"),
        (OAuthError("unauthorized_client", codes=(700016,)), "the client id is not known in tenant t"),
        (OAuthError("invalid_grant", codes=(50076,)), "requires multifactor authentication for this account"),
    ],
)
def test_other_refusals_keep_their_own_words(refused: OAuthError, said: str) -> None:
    """Declined, too late, or as for every sign-in."""
    assert said in device.explain(refused, who=None, tenant="t", setup=hints.setup).message


def test_a_terminal_shows_a_countdown(home: Home, emulator: Emulator) -> None:
    """It stays in one line, and what follows begins another."""
    emulator.world.device_interval = 1
    with Terminal(home, *DEVICE) as terminal:
        terminal.see(LINK)
        terminal.see(r"waiting 14:5\d min more \(Ctrl-C stops\) for the sign-in on the other device")
        emulator.enter_device_code(list(emulator.world.grants.devices.values())[-1].user_code)
        assert terminal.ended() == 0
        assert "\rSigned in as" in terminal.text


def test_a_link_with_the_code_in_it_is_shown_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Some servers give one (RFC 8628 section 3.3.1)."""
    setup._show(device.DeviceCode("d", "ABCD", LINK, f"{LINK}?code=ABCD", 900, 5))
    said = capsys.readouterr().err
    assert f"{LINK}\nABCD\n" in said
    assert f"the code in it: {LINK}?code=ABCD" in said
