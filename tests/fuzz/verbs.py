"""git's verbs as a whole: ``get``, ``store`` and ``erase`` in this process, with accounts, secrets and no network.

Whatever would leave the machine is stopped, and where it was going is checked.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_credential_azdo import deadline, errors
from git_credential_azdo.accounts.account import digest
from git_credential_azdo.errors import ProtocolError
from git_credential_azdo.git.protocol import format_pairs, parse
from git_credential_azdo.git.target import LOGIN_HOSTS
from git_credential_azdo.helper import verbs
from git_credential_azdo.vault.vaults import FileVault
from tests.fuzz.messages import ACCOUNTS, CLOUD, REGISTRY, SERVERS, check_target, hostile_lines
from tests.fuzz.oracle import check, check_lines, written
from tests.support.watch import WATCH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.fuzz.source import Source

_HOME_TENANT = "3f2b1c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d"
_SALT = b"00112233445566778899aabbccddeeff"
_SERVICES = "https://dev.azure.com"
_FAR_AWAY = 10**10
_TOKEN_ENDPOINT = "https://login.microsoftonline.com/organizations/oauth2/v2.0/token"
_VARIABLES = (
    "AZURE_DEVOPS_EXT_PAT",
    "SYSTEM_ACCESSTOKEN",
    "SYSTEM_COLLECTIONURI",
    "TF_BUILD",
    "CI",
    "AZDO_YIELD",
)
_ANSWERED = {"username", "password", "password_expiry_utc", "authtype", "credential", "quit"}
LONGEST_NAME = 50
_asked: list[str] = []
_watched = [False]


def _no_network(event: str, arguments: tuple[object, ...]) -> None:
    if _watched[0] and event in {"socket.getaddrinfo", "socket.connect", "socket.sendto"}:
        where = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
        if isinstance(where, (str, bytes, tuple)):
            _asked.append(where.decode() if isinstance(where, bytes) else str(where))
        raise socket.gaierror(socket.EAI_NONAME, "there is no network here")


class _Home:
    """A home with accounts of every kind, whose secrets are known; it is put back after every run."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="azdo-fuzz-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.accounts = self.folder / ".config" / "git-credential-azdo" / "accounts"
        self.accounts.parent.mkdir(parents=True, mode=0o700)
        self.vault = self.accounts.parent / "vault"
        self.addresses: dict[str, tuple[str, ...]] = {}
        """Each secret of ours, and the addresses that it is for."""
        self.a_secret = WATCH.remember("typed-" + secrets.token_hex(20))
        self.stored: set[tuple[str, str]] = set()
        """Which secret git has stored since for which address: what a person types there may be answered there."""
        personal, pipeline = self._new((_SERVICES, f"https://{CLOUD}")), self._new((_SERVICES,))
        self.variables: tuple[dict[str, str], ...] = (
            {},
            {"AZURE_DEVOPS_EXT_PAT": personal},
            {"AZURE_DEVOPS_EXT_PAT": personal, "CI": "true"},
            {
                "TF_BUILD": "True",
                "SYSTEM_ACCESSTOKEN": pipeline,
                "SYSTEM_COLLECTIONURI": "https://dev.azure.com/contoso/",
            },
        )
        blocks = ACCOUNTS.split("\n\n")
        self.text = (
            "\n\n".join(f"{block.strip()}\n{self._more(block)}".strip() for block in blocks).encode() + b"\n"
        )
        self.accounts.write_bytes(self.text)
        self.accounts.chmod(0o600)
        self.entries = {path.name for path in self.vault.iterdir()}
        self.stdin, self.stdout = (
            os.open(self.folder / name, os.O_RDWR | os.O_CREAT) for name in ("in", "out")
        )
        sys.addaudithook(_no_network)

    def _more(self, block: str) -> str:
        """Keep the secrets of an account's block; return the lines that it needs beside."""
        lines = dict(line.split("=", 1) for line in block.splitlines())
        kind, identifier, address = lines.get("kind"), lines.get("id"), lines.get("address") or _SERVICES
        now = int(time.time())
        life = {"received_utc": str(now), "expires_utc": str(now + _FAR_AWAY)}
        if kind == "oauth" and "tenant" in lines:
            token = self._keep(f"{identifier}/access/{_HOME_TENANT}", address, **life)
            return f"vault=file\ntoken[]={_HOME_TENANT} {digest(_SALT, token)} {now}"
        if kind == "oauth":  # it has to ask for a token
            self._keep(f"{identifier}/refresh", "", received_utc=str(now))
            return f"vault=file\nclient_id=x\ntoken_endpoint={_TOKEN_ENDPOINT}"
        if kind == "pat":
            token = self._keep(f"{identifier}/pat", address)
            return f"vault=file\ntoken[]=- {digest(_SALT, token)} {now}\nrejected[]=fabrikam {now}"
        if kind == "typed":
            self._keep(f"{identifier}/typed", address, key="password")
            return "vault=file"
        return ""

    def _keep(self, entry: str, address: str, key: str = "token", **more: str) -> str:
        secret = self._new((address,))
        FileVault(str(self.vault)).write(entry, format_pairs({key: secret, **more}.items()).decode())
        return secret

    def _new(self, addresses: tuple[str, ...]) -> str:
        secret = WATCH.remember("kept-" + secrets.token_hex(30))
        self.addresses[secret] = addresses
        return secret

    def put_back(self) -> None:
        """Make the accounts file what it was; what was put into the vault goes."""
        self.stored.clear()
        if self.accounts.read_bytes() != self.text:
            self.accounts.write_bytes(self.text)
        for path in self.vault.iterdir():
            if path.name not in self.entries:
                shutil.rmtree(path)


_homes: list[_Home] = []


def home() -> _Home:
    """Return the home of this process."""
    if not _homes:
        _homes.append(_Home())
    return _homes[0]


def git_verbs(source: Source) -> None:
    """Run some of git's verbs, one after the other, with hostile messages: a request and its refusal, say, and again."""
    at = home()
    variables = source.pick(at.variables)
    data = hostile_lines(source)
    answered = at.a_secret
    try:
        for _ in range(1 + source.number(3)):
            verb = source.pick(("get", "get", "store", "erase"))
            secret = ""
            if verb != "get":
                secret = source.pick((answered, answered, at.a_secret, *at.addresses))
            answered = check_verb(verb, data, variables, secret, as_header=source.number(7) == 0) or answered
            if source.flag():
                data = hostile_lines(source)
    finally:
        at.put_back()


def check_verb(
    verb: str, data: bytes, variables: Mapping[str, str], secret: str = "", *, as_header: bool = False
) -> str:
    """Run the verb with these lines, in this environment, for a secret of git's; return the secret that it answers.

    Raise AssertionError for anything that it must not do, whatever the lines say. ``home().put_back()`` is for the caller.
    """
    at = home()
    if secret:
        data += (f"authtype=Bearer\ncredential={secret}\n" if as_header else f"password={secret}\n").encode()
    ran = _run(at, verb, data, variables)
    accounts = at.accounts.read_bytes()
    check(ran.code in ({0} if verb == "get" else {0, 1}), "another exit code", ran.code)
    check_lines(ran.told)
    for known in (*at.addresses, at.a_secret):
        check(known not in ran.told, "a secret is on stderr", verb)
        check(known.encode() not in accounts, "a secret is in the accounts file", verb)
    try:
        message = parse(data)
    except ProtocolError:
        check(not ran.did_anything, "a message that cannot be read has an effect", data)
        return ""
    user = message.get("username") or ""
    if len(user) > LONGEST_NAME and user.isalnum() and user.isascii():
        check(user not in ran.told, "what may be a token is on stderr", verb)
        check(user.encode() not in accounts, "what may be a token is in the accounts file", verb)
    target = REGISTRY.target_of(message)
    if target is not None:
        check_target(target, message.get("protocol") or "", message.get("host") or "")
    if target is None or not (target.services or target.address in SERVERS):
        # Whatever the host, a token of the environment that was refused is named.
        named = verb == "erase" and message.get("password") in variables.values()
        check(named or not ran.told, "somebody else's host is told about", data)
        check(not (ran.answer or ran.asked), "somebody else's host has an effect", data)
        return ""
    allowed = {target.host.partition(":")[0], *(LOGIN_HOSTS if target.services else ())}
    check(set(ran.asked) <= allowed, "a request goes elsewhere", data, *ran.asked)
    if verb == "store":
        at.stored.add((secret, target.address))
    pipeline = variables.get("SYSTEM_ACCESSTOKEN")
    if pipeline and pipeline.encode() in ran.answer:
        own = {None, "contoso"}
        check(target.organization in own, "a pipeline's token goes to another organization", data)
    return _check_answer(at, verb, ran.answer, target.address)


def _check_answer(at: _Home, verb: str, answer: bytes, address: str) -> str:
    lines = parse(answer)
    given = lines.get("password") or lines.get("credential") or ""
    check(verb == "get" or not answer, "an answer to what is no question", answer)
    check(set(lines.fields) <= _ANSWERED, "another key", *lines.fields)
    own = not given or address in at.addresses.get(given, ()) or (given, address) in at.stored
    check(own, "a secret goes to another address", address)
    return given


class _Ran(NamedTuple):
    code: int
    answer: bytes
    told: str
    asked: list[str]

    @property
    def did_anything(self) -> bool:
        return bool(self.answer or self.told or self.asked)


def _run(home: _Home, verb: str, data: bytes, variables: Mapping[str, str]) -> _Ran:
    """Run the verb with its own stdin, stdout, stderr and environment."""
    _asked.clear()
    deadline._started = time.monotonic()  # each run is one of its own
    if errors._answer.locked():
        errors._answer.release()
    _fill(home.stdin, data)
    _fill(home.stdout, b"")
    with _as_streams(home.stdin, home.stdout), _environment(home.folder, variables), written() as told:
        _watched[0] = True
        try:
            code = verbs.run(verb)
        finally:
            _watched[0] = False
    os.lseek(home.stdout, 0, os.SEEK_SET)
    return _Ran(code, os.read(home.stdout, 1_000_000), told.getvalue(), list(_asked))


def _fill(descriptor: int, data: bytes) -> None:
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)


@contextlib.contextmanager
def _as_streams(stdin: int, stdout: int) -> Iterator[None]:
    before = [os.dup(stream) for stream in (0, 1)]
    try:
        os.dup2(stdin, 0)
        os.dup2(stdout, 1)
        yield
    finally:
        for stream, saved in enumerate(before):
            os.dup2(saved, stream)
            os.close(saved)


@contextlib.contextmanager
def _environment(home: Path, variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    try:
        for name in list(os.environ):
            if name in _VARIABLES or name.lower().endswith("_proxy"):
                del os.environ[name]
        os.environ.update(
            {
                "HOME": str(home),
                "XDG_CONFIG_HOME": str(home / ".config"),
                "GIT_CONFIG_NOSYSTEM": "1",
                "AZDO_TIMEOUT": "5",
                **variables,
            }
        )
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
