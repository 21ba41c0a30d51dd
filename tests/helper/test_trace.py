"""AZDO_TRACE shows what a run does, and nothing that is secret."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.emulator import tokens
from tests.emulator.default_world import ANN
from tests.support.people import TENANT, at
from tests.support.watch import WATCH

if TYPE_CHECKING:
    from tests.conftest import Home

FORM = re.compile(r"\d\d:\d\d:\d\d\.\d{6} git-credential-azdo: (.*)")


def steps(text: str) -> list[str]:
    """Return the steps of a trace, each checked to be in the form of GIT_TRACE."""
    return [match[1] for line in text.splitlines() if (match := FORM.fullmatch(line))]


@pytest.mark.usefixtures("emulator", "stale")
def test_a_refresh_can_be_followed(home: Home) -> None:
    """From the request to the answer, the wait included, whose token the line does not show."""
    result = home.get(*at(), AZDO_TRACE="1")
    shown = steps(result.err)
    assert shown[0] == "get for https://dev.azure.com"
    assert (
        shown[1]
        == f"organization contoso, tenant unknown: account: {ANN}: the only account set up for contoso"
    )
    assert shown[2] == f"the token for tenant {TENANT} in file: missing or stale"
    assert "POST login.microsoftonline.com: 200" in shown
    assert any(
        re.fullmatch(r"waited \d+\.\d{3} s for login\.microsoftonline\.com .*", step) for step in shown
    )
    assert shown[-1] == "answer: username, password, password_expiry_utc"
    assert len(shown) == len(result.err.splitlines())
    assert result.fields["password"] not in result.err


def test_a_file_takes_the_runs_of_a_fetch(warm: tuple[Home, str]) -> None:
    """Only its owner may read it; what comes on stderr without it stays as it is."""
    home, secret = warm
    file = home.folder / "trace.log"
    assert home.get(*at(), AZDO_TRACE=str(file)).fields["password"] == secret
    assert home.store(*at(), f"password={secret}", AZDO_TRACE=str(file)).err == ""
    assert ": hint: " in home.erase(*at(), f"password={secret}", AZDO_TRACE=str(file)).err
    text = file.read_text()
    assert [step for step in steps(text) if "for https" in step or "issued" in step] == [
        "get for https://dev.azure.com",
        "store for https://dev.azure.com",
        f"an issued token of {ANN}",
        "erase for https://dev.azure.com",
        f"an issued token of {ANN}",
    ]
    assert secret not in text
    assert os.name == "nt" or file.stat().st_mode & 0o077 == 0


def test_what_looks_like_a_token_in_an_address_is_not_traced(warm: tuple[Home, str]) -> None:
    """Neither as a user nor as an organization."""
    home, _ = warm
    token = tokens.new_pat()
    lines = ("protocol=https", "host=dev.azure.com", f"username={token}", f"path={token}/p/_git/r")
    assert token not in home.get(*lines, AZDO_TRACE="1").err


def test_a_trace_that_cannot_be_written_costs_a_line_and_never_the_answer(warm: tuple[Home, str]) -> None:
    """The line names the variable; 0 switches the trace off."""
    home, _ = warm
    for setting in ("trace.log", "2.5", str(home.folder)):
        result = home.get(*at(), AZDO_TRACE=setting)
        assert result.fields["password"]
        assert len(result.err.splitlines()) == 1
        assert "AZDO_TRACE" in result.err
    assert home.get(*at(), AZDO_TRACE="0").err == ""


def test_a_token_in_the_environment_is_traced_by_its_variable(warm: tuple[Home, str]) -> None:
    """Not the account that would have answered without it, and not its value."""
    home, _ = warm
    token = WATCH.remember(tokens.new_pat())
    result = home.get(*at("fabrikam/app/_git/app"), AZDO_TRACE="1", AZURE_DEVOPS_EXT_PAT=token)
    assert result.fields["password"] == token
    assert steps(result.err)[1:] == ["the token in AZURE_DEVOPS_EXT_PAT", "answer: username, password"]
