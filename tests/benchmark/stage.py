"""Where everything plays: the environments, a private keyring, the emulator, and an environment for children.

Nothing of the person who runs it is touched: homes and keyring lie in a temporary folder, installations in .cache.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.benchmark import installers
from tests.benchmark.clock import Command
from tests.benchmark.homes import ASK, AccountHome
from tests.emulator.default_world import ANN
from tests.emulator.emulator import Emulator
from tests.support.keyrings import PrivateKeyring, missing

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).resolve().parents[2]
CACHE = SOURCE / ".cache" / "benchmark"
HERE = Path(__file__).parent
_WITHOUT_PATH = f"protocol=https\nhost=dev.azure.com\nusername={ANN}\n"  # as git asks by default


class Stage:
    """All that the rows need. ``keyring``, ``c_helper`` and ``gcm`` are empty where they cannot be had here."""

    def __init__(self, folder: Path, emulator: Emulator, keyring: dict[str, str]) -> None:
        self.folder = folder
        self.emulator = emulator
        self.keyring = keyring
        self.wheel = installers.build_wheel(SOURCE, CACHE / "wheel")
        self.installed = installers.with_pip(self.wheel, CACHE / "pip")
        self.uncompiled = installers.with_pip(self.wheel, CACHE / "bare", compiled=False)
        self.c_helper = installers.git_c_helper(CACHE) if keyring else ""
        self.gcm = installers.git_credential_manager(CACHE)
        self._environment = {
            **{name: value for name, value in keyring.items() if not name.startswith("XDG_CONFIG")},
            "PATH": f"{Path(self.installed.script).parent}{os.pathsep}{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def home(self, name: str, vault: str, *, others: int = 0) -> AccountHome:
        """Make a home with one account of its own, or with ``others`` before it."""
        return AccountHome(
            self.folder / name, self.emulator.world, vault, identifier=os.urandom(6).hex(), others=others
        )

    def environment(self, home: AccountHome | None = None, *, online: bool = False) -> dict[str, str]:
        """Return the environment of a child; ``online`` when the emulator is to be reached."""
        folder = home.folder if home else self.folder
        return {**self._environment, **(self.emulator.environment if online else {}), "HOME": str(folder)}

    def ours(
        self,
        verb: str,
        given: str,
        home: AccountHome | None = None,
        *,
        compiled: bool = True,
        answers: bool = False,
    ) -> Command:
        """Return our console script with a verb of git's."""
        environment = self.environment(home)
        if not compiled:
            environment["PYTHONDONTWRITEBYTECODE"] = "1"
        script = (self.installed if compiled else self.uncompiled).script
        return Command([script, verb], environment, given, answers=answers)

    def bare(self) -> Command:
        """Return the interpreter that does nothing."""
        return Command([self.installed.python, "-c", "pass"], self.environment())

    def script(self, name: str, *words: str, home: AccountHome, online: bool = False) -> Command:
        """Return one of the scripts beside this file."""
        environment = self.environment(home, online=online)
        return Command([self.installed.python, str(HERE / name), *words], environment, ASK, answers=True)

    def c_get(self) -> Command:
        """Return ``get`` of git's own helper."""
        return Command([self.c_helper, "get"], self.environment(), _WITHOUT_PATH, answers=True)

    def plain_get(self) -> Command:
        """Return ``get`` of git's own helper for a file without encryption, which holds a token."""
        home = self.folder / "plain"
        home.mkdir()
        (home / ".git-credentials").write_text(
            f"https://{quote(ANN)}:{os.urandom(700).hex()}@dev.azure.com\n"
        )
        where = subprocess.run(
            ["git", "--exec-path"], capture_output=True, text=True, check=True
        ).stdout.strip()
        environment = {**self.environment(), "HOME": str(home)}
        return Command([f"{where}/git-credential-store", "get"], environment, _WITHOUT_PATH, answers=True)

    def gcm_get(self, store: str, token: str) -> Command:
        """Return ``get`` of Git Credential Manager, which has ``token`` in its store: ``secretservice`` or ``plaintext``."""
        environment = {
            **self.environment(),
            "HOME": str(self.folder / "gcm"),
            "DISPLAY": ":0",  # without one it refuses the Secret Service
            "GCM_CREDENTIAL_STORE": store,
            "GCM_INTERACTIVE": "never",
        }
        given = f"{ASK}username={ANN}\n"
        subprocess.run(
            [self.gcm, "store"],
            env=environment,
            input=f"{given}password={token}\n\n",
            capture_output=True,
            text=True,
            check=True,
        )
        return Command([self.gcm, "get"], environment, given, answers=True)


@contextlib.contextmanager
def open_stage() -> Iterator[Stage]:
    """Set the stage, and leave nothing but the installations."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="azdo-benchmark-")))
        keyring: dict[str, str] = {}
        if not missing():
            keyring = stack.enter_context(PrivateKeyring(folder / "keyring")).environment
            os.environ["DBUS_SESSION_BUS_ADDRESS"] = keyring["DBUS_SESSION_BUS_ADDRESS"]
        emulator = stack.enter_context(Emulator(str(folder / "emulator")))
        os.chdir(folder)
        yield Stage(folder, emulator, keyring)
