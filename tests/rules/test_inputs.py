"""What comes from a path or from stdin: opened in one module, and bounded in size and time, whatever stands there."""

from __future__ import annotations

import ast
import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import SCRIPT
from tests.support.marks import posix
from tests.support.source import MODULES, tree
from tests.support.watch import WATCH

if TYPE_CHECKING:
    from tests.conftest import Home

OPENS = frozenset(
    [
        *("open", "io.open", "io.FileIO", "os.open", "os.fdopen", "os.openpty", "codecs.open", "gzip.open"),
        *(
            "read_text",
            "read_bytes",
            "write_text",
            "write_bytes",
            "readall",
            "tempfile",
            "mkstemp",
            "mkdtemp",
        ),
        *("NamedTemporaryFile", "TemporaryDirectory", "shutil.copy", "shutil.copyfile", "shutil.move"),
        *("netrc", "configparser", "fileinput", "linecache", "mmap", "sqlite3", "shelve", "dbm"),
    ]
)
ALLOWED = {
    "files.py": {"os.open"},
    "writing.py": {"os.open"},
    # These open the null device.
    "__main__.py": {"os.open"},
    "commands/console.py": {"os.open"},
    "deadline.py": {"os.open"},
    "errors.py": {"os.open"},
    "vault/system.py": {"open"},
}
"""Which modules open something by a path, and how; no other may."""


def opened(source: str) -> set[str]:
    """Return by what a module's source opens files."""
    found = set()
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Attribute):
            whole = f"{node.value.id}.{node.attr}" if isinstance(node.value, ast.Name) else node.attr
            found |= {whole, node.attr} & OPENS - {"open"}
        elif isinstance(node, ast.Name):
            found |= {node.id} & OPENS
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & OPENS
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & OPENS
            found |= {node.module or ""} & OPENS
    return found


def test_files_are_opened_in_one_module() -> None:
    """``files`` neither waits nor reads without end; whoever else opens one needs a line in the table above."""
    assert {module: by for module, source in MODULES.items() if (by := opened(source))} == ALLOWED


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("with open(path) as f: pass", {"open"}),
        ("from os import open", {"os.open"}),
        ("import os\nos.open(p, 0)", {"os.open"}),
        ("from pathlib import Path\nPath(p).read_text()", {"read_text"}),
        ("import netrc", {"netrc"}),
        ("webbrowser.open(url)", set()),
    ],
)
def test_the_search_for_what_opens_files_finds_it(source: str, found: set[str]) -> None:
    """A rule that sees nothing would be kept for ever."""
    assert opened(source) == found


@posix
@pytest.mark.timeout(60)
@pytest.mark.parametrize("what", ["pipe", "/dev/zero", "folder", "huge"])
def test_a_file_that_a_person_names_is_an_ordinary_one(home: Home, what: str) -> None:
    """Else one line says so at once: nobody waits for a pipe's writer, and no memory fills."""
    from git_credential_azdo.errors import SignInError
    from git_credential_azdo.signin import certificate, federation

    path = home.folder / "there"
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "huge":
        with path.open("wb") as file:
            file.truncate(2**40)
    else:
        path.symlink_to(what)
    reason = r"(it is not a regular file|Is a directory|it is longer than \d+ KiB)"
    with pytest.raises(SignInError, match=f"there contains no federated token: {reason}"):
        federation.from_file(str(path))
    with pytest.raises(SignInError, match=rf"there cannot be read \({reason}\)"):
        certificate.load(str(path), None)


@posix
@pytest.mark.timeout(60)
def test_a_library_that_reads_a_file_waits_for_no_pipe(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL would for ever, and keyring."""
    from git_credential_azdo.errors import NetworkError, VaultError
    from git_credential_azdo.git.network import Settings
    from git_credential_azdo.vault import system
    from git_credential_azdo.web import HttpClient

    (home.folder / "python_keyring").mkdir()
    pipe = home.folder / "python_keyring" / "keyringrc.cfg"
    os.mkfifo(pipe)
    with pytest.raises(NetworkError, match="certificates could not be read in time"):
        HttpClient(0.2, Settings(ca_file=str(pipe))).request("GET", "https://dev.azure.com/")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home.folder))
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    with pytest.raises(VaultError, match=r"keyringrc\.cfg cannot be loaded: OSError"):
        system.names("")


@posix
def test_the_token_s_file_may_be_a_link(home: Home) -> None:
    """Kubernetes renews a token by moving a link."""
    from git_credential_azdo.signin import federation

    token = WATCH.remember("a.b." + os.urandom(20).hex())
    (home.folder / "data").write_text(f"{token}\n")
    (home.folder / "token").symlink_to("data")
    assert federation.from_file(str(home.folder / "token")) == token


SECRETS = [
    (["setup", "pat", "--org", "contoso", "--vault", "file"], "token"),
    (["setup", "service-principal", "x", "--tenant", "contoso.com", "--vault", "file"], "client secret"),
]


@pytest.mark.parametrize(("words", "what"), SECRETS, ids=["pat", "secret"])
def test_a_secret_on_a_stdin_that_is_never_closed_ends_in_one_line(
    home: Home, words: list[str], what: str
) -> None:
    """With the time of a run, though half of the secret came."""
    from git_credential_azdo.commands import console

    reading, writing = os.pipe()
    os.write(writing, b"half")
    command = [str(SCRIPT), *words]
    if what != "token":  # whose app it is would be asked on the network first
        command = [
            sys.executable,
            "-c",
            "import sys; from git_credential_azdo.commands import console as f\n",
        ]
        command[-1] += "from git_credential_azdo.errors import AzdoError, report\n"
        command[-1] += "try: f.secret_text('Client secret')\nexcept AzdoError as e: report(e); sys.exit(1)"
    done = subprocess.run(
        command,
        stdin=reading,
        capture_output=True,
        env={**home.environment, "AZDO_TIMEOUT": "1"},
        timeout=90,
        check=False,
    )
    os.close(reading)
    os.close(writing)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1] == (
        f"git-credential-azdo: error: timed out after 1 s waiting for the {what} on stdin"
    )
    assert console._MAX_GIVEN == 65_536


@pytest.mark.parametrize("size", [65_537, 300 * 2**20])
def test_no_secret_on_stdin_is_that_long(home: Home, size: int) -> None:
    """A file that was mistaken for it is not read to its end."""
    with subprocess.Popen(
        [SCRIPT, *SECRETS[0][0]], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=home.environment
    ) as process:
        assert process.stdin
        with contextlib.suppress(BrokenPipeError):
            for _ in range(size // 65_537):
                process.stdin.write(bytes(65_537))
        _, err = process.communicate(timeout=90)
    assert process.returncode == 1
    assert b"error: stdin is too long for a token\n" in err
