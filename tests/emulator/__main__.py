"""Run the emulator until Ctrl-C or SIGTERM: ``eval "$(python -m tests.emulator &)"``.

stdout gets one ``export NAME=value`` line a variable and is closed then; stderr gets a short how-to, ended by an
empty line. ``AZDO_EMULATOR_PID`` says whom to stop.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import sys
import tempfile
import threading

from tests.emulator import default_world
from tests.emulator.emulator import Emulator

HOW_TO = """\
Azure DevOps and Entra are on loopback. With the export lines in your shell, for example:

  git clone https://dev.azure.com/contoso/app/_git/app
  git clone "https://dev.azure.com/contoso/My%20Project/_git/My%20Repo"
  git clone https://fabrikam.visualstudio.com/app/_git/app
  git clone https://dev.azure.com/hobby/app/_git/app

Organizations and who is in them:
{organizations}
contoso-open has a public project. Sign in at https://login.microsoftonline.com by clicking a name; no passwords.
A PAT of {ann} for contoso: {pat}
"""


def _describe(emulator: Emulator) -> str:
    lines = [
        f"  {name:<14}{', '.join(organization.members) or 'nobody'}"
        for name, organization in emulator.world.organizations.items()
    ]
    pat = emulator.world.new_pat(default_world.ANN, ["contoso"])
    return HOW_TO.format(organizations="\n".join(lines), ann=default_world.ANN, pat=pat)


def main() -> None:
    """Serve until a signal comes; what was made in a temporary directory is gone afterwards."""
    parser = argparse.ArgumentParser(prog="python -m tests.emulator", description=__doc__)
    parser.add_argument(
        "--directory", help="keep the repositories and the CA here instead of a temporary directory"
    )
    arguments = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with contextlib.ExitStack() as stack:
        directory = arguments.directory or stack.enter_context(
            tempfile.TemporaryDirectory(prefix="azdo-emulator-")
        )
        emulator = stack.enter_context(Emulator(directory))
        for name, value in {**emulator.environment, "AZDO_EMULATOR_PID": str(os.getpid())}.items():
            print(f"export {name}={shlex.quote(value)}")
        sys.stdout.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that eval "$(... &)" returns
        print(_describe(emulator), file=sys.stderr, flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
