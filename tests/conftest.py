"""What every test stands on: an empty home, the installed console script, real git, and a watch on secrets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.emulator import tokens
from tests.emulator.default_world import ANN
from tests.emulator.emulator import Emulator
from tests.support import forks
from tests.support.forgetting import one_test
from tests.support.people import STALE, Account, sign_in, warm_up
from tests.support.watch import WATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.chromium import Browser
    from tests.support.keyrings import PrivateKeyring

pytest_plugins = ["tests.support.plugin"]
if sys.platform == "win32":
    pytest_plugins.append("tests.windows.plugin")

# A shell that starts us in the background lets children ignore Ctrl-C, nohup SIGHUP; some tests send both.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# No test reaches a proxy of this machine, or trusts what it trusts.
for _name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
    os.environ.pop(_name, None)
    os.environ.pop(_name.lower(), None)

# No test finds the session bus of the person who runs it.
os.environ["XDG_RUNTIME_DIR"] = "/nonexistent"

# An example that takes long says nothing of the program, but of the machine.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

os.umask(0o022)  # what tests write by hand must not be open to a group, which the program refuses

BIN = Path(sysconfig.get_path("scripts"))
SCRIPT = BIN / ("git-credential-azdo" + (sysconfig.get_config_var("EXE") or ""))
SECONDS = 120
_MACHINE = {"TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "COMSPEC", "PATHEXT", "WINDIR"}
"""What a process of Windows or macOS does not start without."""


PRINTING = {("get",), ("token",)}
"""The commands whose stdout is meant to hold a secret."""


class Result:
    """What a command left: exit code, and both streams as text."""

    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        self.code = done.returncode
        self.out = done.stdout.decode("utf-8", "surrogateescape").replace(os.linesep, "\n")
        self.err = done.stderr.decode("utf-8", "surrogateescape").replace(os.linesep, "\n")
        self._done = done

    def watched(self, *, secret_out: bool) -> Result:
        """Look for secrets in stderr, and in stdout if it is not meant to hold one."""
        WATCH.seen("stderr", self._done.stderr)
        WATCH.seen("stdout", b"" if secret_out else self._done.stdout)
        return self

    @property
    def lines(self) -> list[str]:
        """The lines of stdout."""
        return self.out.splitlines()

    @property
    def fields(self) -> dict[str, str]:
        """The lines of stdout as a message."""
        return dict(line.split("=", 1) for line in self.lines)

    def __repr__(self) -> str:
        return f"Result({self.code}, out={self.out!r}, err={self.err!r})"


def _folders() -> list[str]:
    """Return PATH without the folders of other installations of this program, but for those that hold git too."""
    return [
        folder
        for folder in os.environ["PATH"].split(os.pathsep)
        if os.path.exists(f"{folder}/git") or not os.path.exists(f"{folder}/{SCRIPT.name}")
    ]


class Home:
    """An empty home folder with an environment of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.environment = {
            "HOME": str(folder),
            "USERPROFILE": str(folder),
            "LOCALAPPDATA": str(folder / ".config"),
            "PATH": os.pathsep.join([str(BIN), *_folders()]),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "XDG_RUNTIME_DIR": str(folder / "run"),
            **{
                name: value
                for name, value in os.environ.items()
                if name.startswith("COVERAGE_") or name in _MACHINE
            },
        }

    @property
    def accounts_file(self) -> Path:
        """The accounts file."""
        return self.folder / ".config" / "git-credential-azdo" / "accounts"

    @property
    def keyring_settings(self) -> Path:
        """keyring's own configuration."""
        return (
            self.folder
            / ".config"
            / ("Python Keyring" if os.name == "nt" else "python_keyring")
            / "keyringrc.cfg"
        )

    def write_accounts_file(self, text: str) -> None:
        """Put an accounts file there; its blocks are separated by blank lines."""
        self.accounts_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.accounts_file.write_text(text)

    def run(
        self,
        *words: str | Path,
        given: bytes | str = b"",
        cwd: Path | None = None,
        secret_out: bool = False,
        **environment: str,
    ) -> Result:
        """Run a command to its end; ``secret_out`` when its stdout is meant to hold a secret."""
        done = subprocess.run(
            [str(word) for word in words],
            input=given.encode() if isinstance(given, str) else given,
            capture_output=True,
            env={**self.environment, **environment},
            cwd=cwd or self.folder,
            timeout=SECONDS,
            check=False,
        )
        return Result(done).watched(secret_out=secret_out)

    def fork(
        self,
        *words: str | Path,
        given: bytes | str = b"",
        cwd: Path | None = None,
        secret_out: bool = False,
        **environment: str,
    ) -> Result:
        """Run a Python script as ``run`` does, in a fork of an interpreter that has loaded its libraries."""
        done = forks.run(words, {**self.environment, **environment}, cwd or self.folder, given, SECONDS)
        return Result(done).watched(secret_out=secret_out)

    def azdo(self, *words: str, given: bytes | str = b"", **environment: str) -> Result:
        """Run our console script; only ``get`` and ``token`` may print a secret."""
        return self.run(SCRIPT, *words, given=given, secret_out=words[:1] in PRINTING, **environment)  # type: ignore[arg-type] # no variable is named cwd

    def get(self, *lines: str, **environment: str) -> Result:
        """Ask ``get`` with these lines."""
        return self.azdo("get", given="".join(f"{line}\n" for line in lines), **environment)

    def store(self, *lines: str, **environment: str) -> Result:
        """Tell ``store`` these lines."""
        return self.azdo("store", given="".join(f"{line}\n" for line in lines), **environment)

    def erase(self, *lines: str, **environment: str) -> Result:
        """Tell ``erase`` these lines."""
        return self.azdo("erase", given="".join(f"{line}\n" for line in lines), **environment)

    def git(
        self, *words: str | Path, given: bytes | str = b"", cwd: Path | None = None, **environment: str
    ) -> Result:
        """Run git; ``git credential fill`` is meant to print a secret."""
        return self.run("git", *words, given=given, cwd=cwd, secret_out="fill" in words, **environment)


@pytest.fixture(autouse=True)
def _new_run() -> Iterator[None]:
    """Let nothing of a test be remembered in the next one, or go on in it."""
    with one_test():
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Home:
    """Return an empty home, where commands for people run in this process."""
    from tests.support.terminal import Here

    return Here(tmp_path / "home", monkeypatch, capfd)


@pytest.fixture
def file_home(home: Home) -> Home:
    """Return a home whose person agreed to the file vault."""
    home.write_accounts_file("version=1\nsalt=00112233445566778899aabbccddeeff\nvault=file\n")
    return home


@pytest.fixture(scope="session")
def private_keyring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateKeyring]:
    """Return a real gnome-keyring on a D-Bus session of its own."""
    from tests.support.keyrings import PrivateKeyring, missing  # of Linux

    packages = missing()
    if packages:
        pytest.skip(f"Debian packages missing: {packages}")
    with PrivateKeyring(tmp_path_factory.mktemp("keyring")) as keyring:
        yield keyring


@pytest.fixture
def keyring_home(home: Home, private_keyring: PrivateKeyring) -> Home:
    """Return a home beside a real, unlocked Secret Service."""
    environment = {**private_keyring.environment, "HOME": str(home.folder)}
    home.environment.update(
        {name: value for name, value in environment.items() if not name.startswith("XDG_CONFIG")}
    )
    return home


@pytest.fixture
def emulator(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Return Azure DevOps and Entra on loopback with a fresh world; what runs in the home is led there."""
    for name in ("access_token", "refresh_token", "new_pat", "old_pat"):
        make = getattr(tokens, name)
        monkeypatch.setattr(tokens, name, lambda make=make: WATCH.remember(make()))
    with Emulator(str(tmp_path / "emulator")) as emulator:
        home.environment.update(emulator.environment)
        yield emulator


@pytest.fixture
def ann(home: Home, emulator: Emulator) -> Account:
    """Return the account of ann, who signed in for contoso a moment ago."""
    return sign_in(home, emulator.world, ANN, "contoso")


@pytest.fixture
def stale(ann: Account) -> Account:
    """Return ann's account with less than five minutes of its token left: the next ``get`` asks for another."""
    ann.let_pass(STALE)
    return ann


@pytest.fixture
def warm(home: Home) -> tuple[Home, str]:
    """Return a home whose account has a live token in the file vault, and the token; no world knows it."""
    return home, warm_up(home)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a real browser."""
    from tests.support import chromium  # which needs POSIX

    if chromium.PROGRAM is None:
        pytest.skip("Debian package missing: chromium")
    with chromium.Browser(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser
