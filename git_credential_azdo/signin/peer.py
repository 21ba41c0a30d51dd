"""Whose program is at the other end of a loopback connection, as far as Linux tells.

The link of a sign-in stands in the browser's arguments, where every user of the machine can read it: who signs in by it
as another user could send the answer to our listener. Linux lists the owner of each socket (proc_net_tcp(5)); other
systems do not, and there the question who signed in must do. Never reads what is sent.
"""

from __future__ import annotations

import os
import socket
import sys

from git_credential_azdo.files import MOST_BYTES, read_file

_ESTABLISHED = 1
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_MAPPED = bytes(10) + b"\xff\xff"  # an IPv4 address in an IPv6 socket, RFC 4291 section 2.5.5.2


def is_own_user(client: socket.socket, own: frozenset[int] | None = None) -> bool:
    """Return False for a connection of another user of this machine, and for one that was closed already.

    ``own``: the user ids that count as the person's, by default this process's and that of who called sudo. Root is
    never another user: relays of WSL and of containers run as root. A connection that is in no table comes from outside
    of this network namespace and counts as the person's, too.
    """
    if sys.platform != "linux":
        return True
    try:
        near, far = client.getpeername()[:2], client.getsockname()[:2]
    except OSError:
        return False
    owner = _owner(near, far)
    # Asked last: the other end was still open when its owner was looked up. A closed socket has no owner any more.
    if client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED:
        return False
    return owner is None or owner == 0 or owner in (own or _own()) or _is_unknown(owner)


def owner_in(table: str, near: tuple[str, int], far: tuple[str, int]) -> int | None:
    """Return the user id of the socket at ``near`` that is connected to ``far``, from a table of the kernel; or None."""
    wanted = _spellings(near), _spellings(far)
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[1] in wanted[0] and fields[2] in wanted[1]:  # noqa: PLR2004 - the column
            return int(fields[7])
    return None


def _owner(near: tuple[str, int], far: tuple[str, int]) -> int | None:
    for path in _TABLES:
        try:
            found = owner_in(read_file(path, MOST_BYTES).decode("ascii", "replace"), near, far)
        except OSError:
            continue
        if found is not None:
            return found
    return None


def _spellings(address: tuple[str, int]) -> set[str]:
    """Return how the tables may write an address: 32-bit words in the machine's byte order, then the port."""
    host, port = address
    if ":" in host:
        packed = [socket.inet_pton(socket.AF_INET6, host.partition("%")[0])]
        packed += [packed[0][12:]] if packed[0].startswith(_MAPPED) else []
    else:
        packed = [socket.inet_aton(host)]
        packed += [_MAPPED + packed[0]]
    return {f"{_words(each)}:{port:04X}" for each in packed}


def _words(packed: bytes) -> str:
    starts = range(0, len(packed), 4)
    return "".join(f"{int.from_bytes(packed[start : start + 4], sys.byteorder):08X}" for start in starts)


def _own() -> frozenset[int]:
    caller = os.environ.get("SUDO_UID", "")
    ids = {os.getuid(), os.geteuid(), *([int(caller)] if caller.isascii() and caller.isdigit() else [])}
    return frozenset(ids)


def _is_unknown(owner: int) -> bool:
    """Return whether the id only stands for users that this user namespace does not know, as in a container."""
    try:
        stand_in = int(read_file("/proc/sys/kernel/overflowuid", MOST_BYTES))
        is_whole = read_file("/proc/self/uid_map", MOST_BYTES).split() == [b"0", b"0", b"4294967295"]
    except (OSError, ValueError):
        return False
    return owner == stand_in and not is_whole
