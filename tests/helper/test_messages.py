"""Messages of git's as they should not be, and streams that are closed or full."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.conftest import SCRIPT, SECONDS
from tests.support.people import at

if TYPE_CHECKING:
    from tests.conftest import Home


ODD = [
    b"",
    b"\n",
    b"no equals sign\n",
    b"=value\n",
    b"protocol=https\nhost=example.com\nno equals\n",
    b"\0=\n",
]


def test_odd_messages_get_silence(file_home: Home) -> None:
    """No output, no error, exit code 0."""
    for verb in ("get", "store", "erase"):
        for given in ODD:
            result = file_home.azdo(verb, given=given)
            assert (result.code, result.out, result.err) == (0, "", ""), (verb, given)


def test_an_unknown_operation_from_git_is_ignored(file_home: Home) -> None:
    """git may learn new operations; through a pipe there is no person to tell."""
    result = file_home.run(SCRIPT, "frobnicate", given="protocol=https\n")
    assert (result.code, result.out, result.err) == (0, "", "")


def test_capability_says_what_we_speak(home: Home) -> None:
    """The form is git's: a version line, then one line a capability."""
    assert home.run(SCRIPT, "capability").lines == ["version 0", "capability authtype", "capability state"]


def test_the_console_script_does_what_these_tests_see_in_their_own_process(warm: tuple[Home, str]) -> None:
    """Codes and both streams of every verb: silence, an answer, one line for a message that it cannot read."""
    home, token = warm
    ours = "\n".join(at())
    for verb, given in (
        ("capability", ""),
        *((verb, "") for verb in ("get", "store", "erase")),
        *((verb, "protocol=https\nhost=dev.azure.com\nx\n") for verb in ("get", "store", "erase")),
        *((verb, f"{ours}\npassword={token}\n") for verb in ("get", "store", "erase", "get")),
    ):
        here = home.azdo(verb, given=given)
        script = home.run(SCRIPT, verb, given=given, secret_out=True)
        assert (script.code, script.out, script.err) == (here.code, here.out, here.err), (verb, given)


def test_a_blank_line_ends_the_message_while_the_pipe_stays_open(file_home: Home) -> None:
    """Whoever asks may wait for the answer before it closes the pipe."""
    command = [str(SCRIPT), "get"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=file_home.environment, **pipes) as helper:  # type: ignore[call-overload]
        helper.stdin.write(b"protocol=https\nhost=github.com\n\n")
        helper.stdin.flush()
        assert helper.wait(timeout=SECONDS) == 0
        assert helper.stdout.read() == b""


@pytest.mark.parametrize("stream", ["<&-", ">&-", "2>&-"])
def test_closed_streams_cost_no_traceback(file_home: Home, stream: str) -> None:
    """A closed stdin is an empty message; without a stdout or stderr there is nobody to tell."""
    result = file_home.run(
        "sh", "-c", f"printf 'protocol=https\\nhost=dev.azure.com\\n' | {SCRIPT} get {stream}"
    )
    assert result.code == 0
    assert "Traceback" not in result.err


def test_a_full_disk_under_stdout_is_one_line(file_home: Home) -> None:
    """The answer could not be written, and that is said."""
    result = file_home.run("sh", "-c", f"{SCRIPT} capability >/dev/full")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "cannot write the answer" in result.err
