"""What several files about people's verbs stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN
from tests.support.openid import Provider
from tests.support.people import sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator


@pytest.fixture
def signed_in(home: Home, emulator: Emulator) -> Home:
    """Return a home where ann signed in for contoso and contoso-labs."""
    sign_in(home, emulator.world, ANN, "contoso", "contoso-labs")
    return home


@pytest.fixture
def machine(emulator: Emulator) -> dict[str, str]:
    """Return the variables that lead to the machine's own service; every proxy variable would lead elsewhere."""
    return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": emulator.machine_address, "NO_PROXY": "", "no_proxy": ""}


@pytest.fixture
def anns_pat(emulator: Emulator) -> str:
    """Return ann's PAT for contoso."""
    return emulator.world.new_pat(ANN, ["contoso"], "vso.code_write")


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Return a provider on loopback that is not Entra."""
    with Provider() as provider:
        yield provider
