"""programs.py: what is started, where it is found, when it ends, and what it does not inherit."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo import programs
from git_credential_azdo.inherited import SECRETS
from tests.support.marks import posix
from tests.support.watch import new_password

if TYPE_CHECKING:
    from pathlib import Path

SYSTEM = {"PATH": f"{os.path.dirname(sys.executable)}:/usr/bin:/bin"}


def program(folder: Path, name: str, script: str) -> Path:
    """Make a program of a shell script."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def shell(script: str, seconds: float = 60, **more: object) -> programs.Completed:
    """Run a script."""
    return programs.run(["sh", "-c", script], seconds, environment=SYSTEM, **more)  # type: ignore[arg-type] # as given


@posix
def test_a_program_is_found_on_absolute_entries_outside_the_folder_we_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty, relative and current entries never count, however they are spelled."""
    monkeypatch.chdir(tmp_path)
    program(tmp_path, "tool", "")
    program(tmp_path / "sub", "tool", "")
    here = str(tmp_path)
    entries = ["", ".", "./", "sub", "../x/../y", here, f"{here}/", f"{here}/.", f"{here}/sub/..", "~", "%x%"]
    for path in (*entries, os.pathsep.join(entries)):
        with pytest.raises(programs.NotFound, match=r"^tool was not found on PATH$"):
            programs.find("tool", {"PATH": path})
    first, second = (program(tmp_path / name, "tool", "") for name in ("one", "two"))
    path = os.pathsep.join([*entries, str(first.parent), str(second.parent), str(first.parent)])
    assert programs.find("tool", {"PATH": path}) == str(first)
    assert list(programs.candidates("tool", {"PATH": path})) == [str(first), str(second)]


@pytest.mark.parametrize("name", ["./tool", "sub/tool", "../tool", ""])
def test_a_relative_path_is_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Not even one that is there, such as BROWSER could name."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for where in (folder, folder / "sub", tmp_path):
        program(where, "tool", "")
    with pytest.raises(programs.NotFound):
        programs.find(name, {"PATH": f"{tmp_path}{os.pathsep}/usr/bin"})


@posix
def test_what_may_not_be_run_is_no_program(tmp_path: Path) -> None:
    """A file without the right to run it, a folder, nothing; an absolute path is taken as it is."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    tool = program(tmp_path, "tool", "")
    for name in ("file", "folder", "nothing", str(tmp_path / "nothing")):
        with pytest.raises(programs.NotFound):
            programs.find(name, {"PATH": str(tmp_path)})
    assert programs.find(str(tool), {"PATH": ""}) == str(tool)


def test_a_program_gets_its_words_and_stdin_and_leaves_its_streams(tmp_path: Path) -> None:
    """Byte for byte, in any length; it runs far from the folder we stand in unless that is asked for."""
    data = os.urandom(300_000)
    done = shell("cat; echo to stderr >&2; exit 3", stdin=data)
    assert (done.returncode, done.stdout, done.stderr) == (3, data, b"to stderr\n")
    assert (
        programs.run(["printf", "%s|", "a b", "$HOME", ""], 60, environment=SYSTEM).stdout == b"a b|$HOME||"
    )
    assert shell("pwd").stdout == b"/\n"
    assert shell("pwd", cwd=str(tmp_path)).stdout == f"{tmp_path}\n".encode()


def test_what_a_program_does_not_read_delays_nothing() -> None:
    """It ends, and its pipe with it."""
    assert shell("exit 0", stdin=b"x" * 1_000_000).returncode == 0


def test_it_has_no_terminal() -> None:
    """Nobody can be asked; a prompt would hang what git waits for."""
    assert (
        shell("if (: </dev/tty) 2>/dev/null; then echo asked; fi; read -r line || echo end").stdout
        == b"end\n"
    )


def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """The grandchild holds a pipe until it ends, and a test that waits for the pipe's end would not."""
    os.mkfifo(tmp_path / "pipe")
    end = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(end, True)
    pipe_path = shlex.quote(str(tmp_path / "pipe"))
    script = f"(echo >{pipe_path}; exec sleep 600) >{pipe_path} & wait"
    with pytest.raises(programs.Stopped, match=r"^sh did not end in time$"):
        shell(script, 2)
    with os.fdopen(end, "rb") as pipe:
        assert pipe.read() == b"\n"


def test_a_program_that_is_ended_may_clean_up(tmp_path: Path) -> None:
    """As git does with its locks."""
    cleaned = tmp_path / "cleaned"
    with pytest.raises(programs.Stopped):
        programs.run(["sh", "-c", f"trap 'echo >\"{cleaned}\"; exit' TERM; sleep 60 & wait"], 2)
    assert cleaned.exists()


def test_a_program_that_leaves_another_behind_is_not_waited_for_longer(tmp_path: Path) -> None:
    """It has ended, but not all that holds its streams."""
    os.mkfifo(tmp_path / "pipe")
    end = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(end, True)
    with pytest.raises(programs.Stopped):
        shell(f"(exec 3>{shlex.quote(str(tmp_path / 'pipe'))}; echo >&3; exec sleep 600) & exit 0", 2)
    with os.fdopen(end, "rb") as pipe:
        assert pipe.read() == b"\n"


@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_program_that_prints_without_end_is_ended(stream: str) -> None:
    """Before it has filled the memory, and long before its time is over."""
    with pytest.raises(programs.Stopped, match=r"^sh printed too much$"):
        shell(f"yes >&{stream}")


def test_ctrl_c_ends_it_too(tmp_path: Path) -> None:
    """And goes on as Ctrl-C; the program has a session of its own, so the terminal does not tell it."""
    os.mkfifo(tmp_path / "pipe")
    end = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(end, True)
    script = f"exec 3>{shlex.quote(str(tmp_path / 'pipe'))}; read -r go; kill -INT $PPID; exec sleep 600"
    code = f"from git_credential_azdo import programs; programs.run(['sh', '-c', {script!r}], 60, stdin=b'go\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)
    assert done.stderr.strip().endswith(b"KeyboardInterrupt")
    with os.fdopen(end, "rb") as pipe:
        assert pipe.read() == b""


def test_children_inherit_neither_our_secrets_nor_a_way_into_the_folder_we_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script that is started looks for its own programs on the PATH that it inherits."""
    monkeypatch.chdir(tmp_path)
    secrets = {name: new_password() for name in SECRETS}
    environment = {**secrets, "PATH": f":.:{tmp_path}:/usr/bin:/bin", "OTHER": "stays", "HOME": "/x"}
    told = dict(
        line.split("=", 1)
        for line in programs.run(["env"], 60, environment=environment).stdout.decode().splitlines()
    )
    assert told == {"PATH": "/usr/bin:/bin", "OTHER": "stays", "HOME": "/x"}
    needed = programs.run(["env"], 60, environment=environment, keep=["IDENTITY_HEADER"]).stdout.decode()
    assert f"IDENTITY_HEADER={secrets['IDENTITY_HEADER']}\n" in needed
    assert needed.count("pw-") == 1


def test_what_is_launched_outlives_us_and_inherits_as_little(tmp_path: Path) -> None:
    """A browser, for example: its own streams, its own session, and nobody waits for it."""
    os.mkfifo(tmp_path / "pipe")
    tool = program(tmp_path / "bin", "tool", f'env >"{tmp_path}/pipe"; echo seen; echo seen >&2')
    code = (
        "import os; from git_credential_azdo import programs;"
        f"programs.launch([{str(tool)!r}, 'x'], {{**os.environ, 'IDENTITY_HEADER': 'hidden'}})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert "IDENTITY_HEADER" not in (tmp_path / "pipe").read_text()


@posix
def test_a_file_that_does_not_start_is_one_line(tmp_path: Path) -> None:
    """Whatever the system says of it."""
    tool = program(tmp_path, "tool", "")
    tool.write_text("#!/nowhere/sh\n")
    with pytest.raises(
        programs.ProgramError, match=r"^tool could not be started: No such file or directory$"
    ):
        programs.run([str(tool)], 60)
