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
try:
    with HttpClient(30, Settings(proxy="")) as web:
        print(len(web.request("GET", sys.argv[1], elsewhere=True).body))
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
        self.send_response(200)
        if self.server.coding:
            self.send_header("Content-Encoding", self.server.coding)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's own name
        """Say nothing."""


class _Server(socketserver.ThreadingTCPServer):
    """A server on loopback with one answer: ``body``, said to be packed as ``coding``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body = b""
        self.coding = ""
        self.accepted: list[str | None] = []

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}/"

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


@pytest.mark.skipif(sys.platform == "win32", reason="the memory of a process is measured by getrusage")
@pytest.mark.parametrize(
    ("coding", "layers", "said"),
    [
        ("gzip", 1, "sent more than 16 MiB"),
        ("GZip, gzip", 2, "used a content encoding that was not requested"),
        ("gzip", 2, None),
        ("br", 1, "used a content encoding that was not requested"),
        ("deflate", 1, "used a content encoding that was not requested"),
        ("zstd", 1, "used a content encoding that was not requested"),
        ("identity, gzip", 1, "used a content encoding that was not requested"),
    ],
)
def test_a_packed_bomb_costs_little_memory(
    sender: _Server, bombs: dict[int, bytes], coding: str, layers: int, said: str | None
) -> None:
    """The limit counts what was unpacked, and one layer of gzip is all that is unpacked."""
    sender.body, sender.coding = bombs[layers], coding

    done = subprocess.run([sys.executable, "-c", ASK, sender.url], capture_output=True, text=True, check=True)

    answer, memory = done.stdout.splitlines()
    assert int(memory) < MAX_MEMORY
    assert answer.isdigit() if said is None else said in answer


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
    sender.body, sender.coding = body, coding

    with HttpClient(30, Settings(proxy="")) as web:
        answer = web.request("GET", sender.url, elsewhere=True)

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
    sender.body, sender.coding = body, "gzip"

    with HttpClient(30, Settings(proxy="")) as web, pytest.raises(ServiceError, match=said):
        web.request("GET", sender.url, elsewhere=True)


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
        done = subprocess.run([sys.executable, "-c", ASK, url], capture_output=True, text=True, check=True)
        thread.join()
    answer, memory = done.stdout.splitlines()
    assert answer.endswith("the connection was closed before the response was complete")
    assert int(memory) < MAX_MEMORY


def test_an_empty_body_needs_no_packing(sender: _Server) -> None:
    """An answer to HEAD names the encoding that a body would have."""
    sender.coding = "gzip"

    with HttpClient(30, Settings(proxy="")) as web:
        assert web.request("GET", sender.url, elsewhere=True).body == b""
