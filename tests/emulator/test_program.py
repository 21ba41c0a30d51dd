"""``python -m tests.emulator`` and the world that it starts with."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import httpx

from tests.emulator.client import ORG, Client
from tests.emulator.default_world import ANN, BOB, KIM

PROFILE = "/_apis/profile/profiles/me?api-version=7.1"


# By itself


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    """It prints variables for the shell, serves, and takes its folder away when it is told to stop."""
    command = [sys.executable, "-m", "tests.emulator"]
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        exports = dict(re.findall(r"^export (\w+)='?([^'\n]*)'?$", program.stdout.read(), re.MULTILINE))
        trust = ssl.create_default_context(cafile=exports["SSL_CERT_FILE"])
        answer = httpx.get(ORG, proxy=exports["HTTPS_PROXY"], verify=trust, trust_env=False, timeout=90)
        program.send_signal(signal.SIGTERM)
        how_to = program.stderr.read()
        assert program.wait(90) == 0
    assert answer.status_code == 302
    assert "git clone" in how_to
    assert not list(tmp_path.iterdir())


def test_the_default_world_is_as_described(client: Client) -> None:
    """Who is where."""
    members = {name: set(one.members) for name, one in client.emulator.world.organizations.items()}
    assert members == {
        "contoso": {ANN},
        "contoso-labs": {ANN},
        "contoso-open": set(),
        "fabrikam": {BOB, ANN},
        "hobby": {KIM},
    }
