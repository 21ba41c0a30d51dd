"""web.py: a body costs no more memory than is allowed for it, however it is packed on the way."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import socket
import socketserver
import subprocess
import sys
import threading
import zlib
from typing import TYPE_CHECKING

import pytest

from git_credential_azdo.errors import ServiceError
from git_credential_azdo.git.network import Settings
from git_credential_azdo.web import HttpClient

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN = b'{"name": "contoso"}'
PACKED = gzip.compress(PLAIN, mtime=0)  # the same bytes in every process that collects the tests
MAX_MEMORY = 250 * 2**20
"""Bytes that a client may have used in all: the interpreter, httpx, a body of 16 MiB and a copy of it."""

ASK = """
import resource, sys
from git_credential_azdo.errors import AzdoError
from git_credential_azdo.git.network import Settings
from git_credential_azdo.git.target import origin
from git_credential_azdo.web import HttpClient
for url in sys.argv[1:]:
    try:
        with HttpClient(30, Settings(proxy="")) as web:
            print(len(web.request("GET", url, elsewhere=True).body))
    except AzdoError as error:
        print(error.message)
    if sys.platform == "linux":  # its ru_maxrss counts what the parent used before exec, too
        with open("/proc/self/status") as status:
            print(next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:")))
    else:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers with what the server was given, and notes what was asked for."""

    server: _Server

    def do_GET(self) -> None:
        """Answer."""
        self.server.accepted.append(self.headers.get("Accept-Encoding"))
        coding, body = self.server.answers[int(self.path[1:])]
        self.send_response(200)
        if coding:
            self.send_header("Content-Encoding", coding)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's own name
        """Say nothing."""


class _Server(socketserver.ThreadingTCPServer):
    """A server on loopback whose answers are a body each, and what it is said to be packed as."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[str, bytes]] = []
        self.accepted: list[str | None] = []

    def url(self, coding: str, body: bytes = b"") -> str:
        """Return where it answers so."""
        self.answers.append((coding, body))
        return f"http://127.0.0.1:{self.server_address[1]}/{len(self.answers) - 1}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: the client may go away in the middle."""


@pytest.fixture
def sender() -> Iterator[_Server]:
    """Return a server that runs."""
    with _Server() as sender:
        thread = threading.Thread(target=sender.serve_forever, args=(0.01,))
        thread.start()
        yield sender
        sender.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def bombs() -> dict[int, bytes]:
    """Return a GiB of zeros, packed once and twice."""
    zeros, count, crc = bytes(2**20), 1024, 0
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block = packer.compress(zeros) + packer.flush(
        zlib.Z_FULL_FLUSH
    )  # one block stands for all: they are equal
    for _ in range(count):
        crc = zlib.crc32(zeros, crc)
    end = packer.flush() + crc.to_bytes(4, "little") + (count * len(zeros)).to_bytes(4, "little")
    once = b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + block * count + end  # RFC 1952, 2.3
    return {1: once, 2: gzip.compress(once, 9)}


def ask(*urls: str) -> list[tuple[str, int]]:
    """Ask for each in one process; return the body's length, or what is said instead, and the most memory used so far."""
    done = subprocess.run([sys.executable, "-c", ASK, *urls], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    return list(zip(lines[::2], map(int, lines[1::2]), strict=True))


NOT_REQUESTED = "used a content encoding that was not requested"
BOMBS = [
    ("gzip", 1, "sent more than 16 MiB"),
    ("GZip, gzip", 2, NOT_REQUESTED),
    ("gzip", 2, None),
    ("br", 1, NOT_REQUESTED),
    ("deflate", 1, NOT_REQUESTED),
    ("zstd", 1, NOT_REQUESTED),
    ("identity, gzip", 1, NOT_REQUESTED),
]


@pytest.mark.skipif(sys.platform == "win32", reason="the memory of a process is measured by getrusage")
def test_a_packed_bomb_costs_little_memory(sender: _Server, bombs: dict[int, bytes]) -> None:
    """The limit counts what was unpacked, and one layer of gzip is all that is unpacked."""
    answers = ask(*(sender.url(coding, bombs[layers]) for coding, layers, _ in BOMBS))
    for (coding, _, said), (answer, memory) in zip(BOMBS, answers, strict=True):
        assert memory < MAX_MEMORY, coding
        assert answer.isdigit() if said is None else said in answer, coding


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("", PLAIN),
        ("identity", PLAIN),
        ("gzip", PACKED),
        (" X-GZIP ", PACKED),
    ],
)
def test_a_body_is_read_plain_or_in_one_layer_of_gzip(sender: _Server, coding: str, body: bytes) -> None:
    """We ask for a plain one; some proxies pack whatever passes."""
    with HttpClient(30, Settings(proxy="")) as web:
        answer = web.request("GET", sender.url(coding, body), elsewhere=True)

    assert (answer.json(), sender.accepted) == ({"name": "contoso"}, ["identity"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (PACKED[:-9], "sent an incomplete response"),
        (PLAIN, "cannot be decompressed"),
    ],
)
def test_what_is_not_packed_as_it_says_is_no_answer(sender: _Server, body: bytes, said: str) -> None:
    """Half a token must not be taken for one."""
    with HttpClient(30, Settings(proxy="")) as web, pytest.raises(ServiceError, match=said):
        web.request("GET", sender.url("gzip", body), elsewhere=True)


@pytest.mark.skipif(sys.platform == "win32", reason="the memory of a process is measured by getrusage")
def test_endless_headers_cost_little_memory() -> None:
    """The connection is given up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def send() -> None:
            client, _ = listener.accept()
            with client, contextlib.suppress(OSError):
                client.sendall(b"HTTP/1.1 200 OK\r\n")
                while True:
                    client.sendall(b"".join(b"X-%d: y\r\n" % number for number in range(5_000)))

        thread = threading.Thread(target=send)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        ((answer, memory),) = ask(url)
        thread.join()
    assert answer.endswith("the connection was closed before the response was complete")
    assert memory < MAX_MEMORY


def test_an_empty_body_needs_no_packing(sender: _Server) -> None:
    """An answer to HEAD names the encoding that a body would have."""
    with HttpClient(30, Settings(proxy="")) as web:
        assert web.request("GET", sender.url("gzip"), elsewhere=True).body == b""
