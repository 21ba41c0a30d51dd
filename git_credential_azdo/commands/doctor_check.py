"""What a check of ``doctor`` is, and how checks run: bounded, one broken check never stopping another.

Everything a check says goes through ``clean``: people paste it into bug reports, so no password of an address, no
token of the environment and nothing that steers a terminal may be in it.
"""

from __future__ import annotations

import os
import re
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from git_credential_azdo.accounts.environment import VARIABLES
from git_credential_azdo.errors import AzdoError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Work = Callable[[], Iterable["Check"]]

OK, WARN, FAIL = "ok", "warn", "FAIL"
_USER_OF_URL = re.compile(r"://[^/\s]*@")


class Check(NamedTuple):
    """One line: what was looked at, OK, WARN or FAIL, what was found, and what to run about it (may be empty)."""

    name: str
    state: str
    text: str
    cure: str = ""


def failed(name: str, error: AzdoError, *, cure: str = "", who: str = "") -> Check:
    """Make a failed check of an error that befell ``who``; its hint is the cure, else ``cure``."""
    return Check(name, FAIL, f"{who}: {error.message}" if who else error.message, error.hint or cure)


class Group:
    """Checks that run one after another in a thread of their own, from construction on."""

    def __init__(self, *checks: tuple[str, Work]) -> None:
        self._checks = checks
        self._found: list[list[Check]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def results(self, seconds: float) -> list[Check]:
        """Return what was found, waiting that long; what had no end by then is a failed check of its own."""
        self._thread.join(seconds)
        found = list(self._found)
        late = [
            Check(name, FAIL, "did not end in time", "try again") for name, _ in self._checks[len(found) :]
        ]
        return [clean(check) for checks in found for check in checks] + late

    def _run(self) -> None:
        for name, work in self._checks:
            self._found.append(_guarded(name, work))


def side_by_side(groups: Sequence[Group], seconds: float) -> list[Check]:
    """Return the checks of groups that run at once, in the groups' order, within ``seconds`` in all."""
    end = time.monotonic() + seconds
    return [check for group in groups for check in group.results(max(0.0, end - time.monotonic()))]


def clean(check: Check) -> Check:
    """Return the check without anything that must not be shown."""
    return check._replace(text=_clean(check.text), cure=_clean(check.cure))


def hidden(address: str) -> str:
    """Return a proxy's address, in whatever form, without its user and password."""
    before, at, after = address.rpartition("@")
    if not at:
        return address
    scheme, separator, _ = before.partition("://")
    return f"{scheme}://***@{after}" if separator else f"***@{after}"


def _guarded(name: str, work: Work) -> list[Check]:
    try:
        return list(work())
    except AzdoError as error:
        return [failed(name, error)]
    except Exception as error:  # noqa: BLE001 - its text could quote a secret, so kind and place must do
        trace = error.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "?"
        return [Check(name, FAIL, f"the check itself broke: {type(error).__name__} at {place}")]


def _clean(text: str) -> str:
    for variable in VARIABLES:
        secret = os.environ.get(variable, "").strip()
        if secret:
            text = text.replace(secret, "***")
    return printable(_USER_OF_URL.sub("://***@", text))
