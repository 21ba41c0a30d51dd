"""Real git that asks us about Azure DevOps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Result

AZURE = "https://dev.azure.com"
APP = f"{AZURE}/contoso/app/_git/app"
LOGIN = "login.microsoftonline.com"


def done(result: Result) -> Result:
    """Expect that git succeeded and that we said nothing."""
    assert (result.code, "git-credential-azdo" in result.err) == (0, False), result.err
    return result
