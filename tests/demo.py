"""The main job, shown: real git, an emulator of Azure DevOps and Entra, a keyring thrown away afterwards.

Run by ``scripts/demo``. Prints each command before it runs, and stops with exit code 1 at the first that fails.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shlex
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from tests.emulator.browser import sign_in
from tests.emulator.emulator import Emulator
from tests.support.keyrings import PrivateKeyring, missing

BIN = Path(sys.executable).parent
ANN, BOB = "ann@contoso.com", "bob@fabrikam.com"
SECONDS = 60
_LINK = re.compile(r"https://login\.microsoftonline\.com\S+")


class Failed(Exception):  # noqa: N818 - it ends the demo
    """A step did not do what it should."""


class Stage:
    """A home folder, the emulator's environment, and commands that are shown before they run."""

    def __init__(self, emulator: Emulator, home: Path, keyring: dict[str, str]) -> None:
        self.emulator = emulator
        self.home = home
        self.environment = {
            **{name: value for name, value in os.environ.items() if name in {"TERM", "TMPDIR"}},
            **keyring,
            **emulator.environment,
            "HOME": str(home),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def run(self, *words: str, given: str | None = None, folder: str = ".") -> str:
        """Show a command, run it, show what it says; return its stdout."""
        _show(shlex.join(words) + (" < token" if given else ""))
        done = subprocess.run(
            words,
            input=given or "",
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.home / folder,
            timeout=SECONDS,
            check=False,
        )
        sys.stdout.write(done.stdout + done.stderr)
        if done.returncode:
            raise Failed(f"{words[0]} ended with {done.returncode}")
        return done.stdout

    def sign_in(self, *words: str, person: str) -> None:
        """Run setup, take its link to the browser, and paste the address that the browser ends on."""
        _show(shlex.join(words))
        with subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=self.home,
        ) as setup:
            assert setup.stdin is not None
            assert setup.stderr is not None
            for line in setup.stderr:
                sys.stdout.write(line)
                link = _LINK.search(line)
                if link:
                    print(f"   ({person} signs in with a browser and copies the address of the last page)")
                    answer = self.emulator.sign_in(link[0], person=person)
                    print(f"   paste: {answer.partition('code=')[0]}code=...\n")
                    setup.stdin.write(answer + "\n")
                    setup.stdin.close()
                    break
            sys.stdout.write(setup.stderr.read())
        if setup.returncode:
            raise Failed(f"setup ended with {setup.returncode}")


def play(stage: Stage, vault: str) -> None:
    """Go through the main job."""
    _title("1. Sign in once: open the link, paste the address")
    stage.sign_in("git", "credential-azdo", "setup", "--no-browser", "--vault", vault, person=ANN)
    _title("2. From now on git just works")
    stage.run("git", "clone", "https://dev.azure.com/contoso/app/_git/app", "contoso-app")
    (stage.home / "contoso-app" / "hello.txt").write_text("hello\n")
    stage.run("git", "add", "hello.txt", folder="contoso-app")
    identity = ("-c", "user.name=Ann", "-c", f"user.email={ANN}")
    stage.run("git", *identity, "commit", "-m", "Say hello", folder="contoso-app")
    stage.run("git", "push", folder="contoso-app")
    stage.run("git", "fetch", "--verbose", folder="contoso-app")
    _title("3. A second account, with a personal access token, for its own organization")
    token = stage.emulator.world.new_pat(BOB, ["fabrikam"])
    stage.run("git", "credential-azdo", "setup", "pat", "--org", "fabrikam", "--vault", vault, given=token)
    stage.run("git", "clone", "https://fabrikam@dev.azure.com/fabrikam/app/_git/app", "fabrikam-app")
    stage.run("git", "credential-azdo", "accounts")
    explained = stage.run("git", "credential-azdo", "explain", "https://dev.azure.com/fabrikam/app/_git/app")
    if BOB not in explained:
        raise Failed("the wrong account was chosen")


def interact(stage: Stage) -> None:
    """Say what there is to play with, and open a shell. Its browser is one that signs in at the emulator."""
    programs = stage.home / "bin"
    programs.mkdir()
    browser = programs / "demo-browser"
    browser.write_text(
        f"#!/bin/sh\ncd {shlex.quote(os.getcwd())}\nexec {shlex.quote(sys.executable)} -m tests.demo --browse"
        f' "${{PERSON:-{ANN}}}" "$1"\n'
    )
    browser.chmod(0o755)
    _title("A shell next to the emulator; exit leaves it")
    print(f"""
Nothing here reaches the real Azure DevOps: git and the helper are led to this machine. Your own browser is not, so open
no link in it; setup starts one that signs in as PERSON at once.

people           {ANN} (contoso, contoso-labs, guest at fabrikam), {BOB} (fabrikam), kim@outlook.com (hobby)
repositories     https://dev.azure.com/ORG/app/_git/app   for ORG contoso, contoso-labs, contoso-open, fabrikam, hobby
a token of Bob's {stage.emulator.world.new_pat(BOB, ["fabrikam"])}

try              PERSON={BOB} git credential-azdo setup
                 git credential-azdo accounts
                 git clone https://dev.azure.com/fabrikam/app/_git/app
                 git credential-azdo explain https://dev.azure.com/contoso/app/_git/app --online
                 git credential-azdo doctor
""")
    environment = {
        **stage.environment,
        "BROWSER": str(browser),
        "PATH": f"{programs}{os.pathsep}{stage.environment['PATH']}",
    }
    subprocess.run([os.environ.get("SHELL", "/bin/sh")], env=environment, cwd=stage.home, check=False)


def browse(person: str, link: str) -> None:
    """Open a sign-in's link as ``person`` at the emulator that the environment leads to, and go where it ends."""
    tls = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    address = urlsplit(
        sign_in(urlsplit(os.environ["HTTPS_PROXY"]).port or 0, tls, link, person, consent=True)
    )
    connection = http.client.HTTPConnection(address.netloc, timeout=SECONDS)
    connection.request("GET", f"{address.path}?{address.query}")
    connection.getresponse().read()


def end(stage: Stage) -> None:
    """Leave as we came."""
    _title("4. Sign out, and nothing is left")
    stage.run("git", "credential-azdo", "logout", "--all")
    stage.run("git", "credential-azdo", "unconfigure")


def main() -> int:
    """Run the demo; return the exit code."""
    if sys.argv[1:2] == ["--browse"]:
        browse(*sys.argv[2:])
        return 0
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # stdout is a text stream
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="azdo-demo-")))
        vault, environment = "file", {}
        packages = missing()
        if packages:
            print(f"(without a keyring: {packages} missing; secrets go to a private file)")
        else:
            keyring = stack.enter_context(PrivateKeyring(folder / "keyring"))
            vault, environment = "keyring", keyring.environment
        home = folder / "home"
        home.mkdir()
        environment = {name: value for name, value in environment.items() if name != "XDG_CONFIG_HOME"}
        stage = Stage(stack.enter_context(Emulator(str(folder / "emulator"))), home, environment)
        try:
            play(stage, vault)
            if "--interactive" in sys.argv[1:]:
                interact(stage)
            else:
                end(stage)
        except (Failed, subprocess.TimeoutExpired) as failure:
            print(f"\nFAILED: {failure}")
            return 1
    print("\nAll steps did what they should.")
    return 0


def _show(command: str) -> None:
    print(f"\n$ {command}")


def _title(text: str) -> None:
    print(f"\n=== {text}")


if __name__ == "__main__":
    sys.exit(main())
