"""git's configuration as git prints it, and its URLs: a repository writes both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from git_credential_azdo.errors import AzdoError
from git_credential_azdo.git import address, config, helpers, target
from git_credential_azdo.git.target import target_of
from tests.fuzz import words
from tests.fuzz.messages import check_target
from tests.fuzz.oracle import check, check_message

if TYPE_CHECKING:
    from tests.fuzz.source import Source

_SCOPES = ("system", "global", "local", "worktree", "command", "")
_ORIGINS = (
    "file:/home/ann/.gitconfig",
    "file:.git/config",
    "file:ca.pem",
    "command line:",
    "standard input:",
    "blob:x",
    "file:",
)
_KEYS = (
    "credential.",
    ".helper",
    ".useHttpPath",
    ".username",
    "http.",
    ".proxy",
    ".sslVerify",
    "https://dev.azure.com",
    "://",
    "*",
    ".",
    "@",
    "/",
    "ann:pw@",
)
_VALUES = (
    "azdo",
    "store",
    "!git credential-azdo",
    "/opt/git-credential-azdo",
    "C:\\x\\git-credential-azdo.exe",
    " ",
    "true",
    "flase",
    "0x10",
    "9" * 40,
    "1k",
    "",
    "\n",
    "'",
    '"',
)
_URLS = (
    *words.HOSTS,
    *words.USERS,
    *words.PATHS,
    *words.PORTS,
    "https://",
    "http://",
    "ssh://",
    "git@",
    "HTTPS://",
    "v3",
    "ssh.dev.azure.com",
)


def listing(source: Source) -> None:
    """Read what ``git config --list -z`` is said to have printed, and compute with it."""
    if source.flag():
        fields = [_entry(source) for _ in range(source.number(6))]
        output = "".join(f"{field}\0" for entry in fields for field in entry)
        data = output.encode("utf-8", "surrogateescape")[: source.pick((-1, 40, len(output) * 4))]
    else:
        data = source.rest()
    try:
        entries = config.parse_list(data)
    except AzdoError as refused:
        check_message(refused)
        return
    url = source.pick(
        ("https://dev.azure.com/contoso/app/_git/app", "https://contoso.visualstudio.com", source.word(_URLS))
    )
    listed = config.helpers_for(entries, url)
    check(all(helper.value for helper in listed), "an empty helper is run")
    check(all(helper.ours == config.is_ours(helper.value) for helper in listed), "ours is not ours")
    others = helpers.others(entries, url)
    check(
        not any(other.helper.ours for other in (*others.before, *others.receiving)), "we are in our own way"
    )
    for key in ("http.proxy", "http.sslVerify"):
        config.value_for(entries, key, url)
    try:
        config.use_http_path(entries, url)
    except AzdoError as refused:
        check_message(refused)


def _entry(source: Source) -> tuple[str, str, str]:
    value = f"\n{source.word(_VALUES)}" if source.number(7) else ""
    key = source.word(_KEYS, 6).replace("\n", "").replace("\0", "")
    return source.pick(_SCOPES), source.pick(_ORIGINS), key + value.replace("\0", "")


def urls(source: Source) -> None:
    """Bring a URL into git's normal form, take it to pieces, and ask what it is about."""
    url = source.grown(source.word(_URLS, 8), 3_000)
    normal = address.normalize(url, pattern=source.flag())
    if normal is not None:
        written = str(normal)
        again = (
            normal if ":" in normal.host else address.normalize(written, pattern=True)
        )  # git's own is not, there
        check(again == normal, "a normal form is not normal", url, written)
        check(address.match(normal, normal) is not None, "a URL does not match itself", url)
        check(written.isascii() and written.isprintable(), "a normal form steers a terminal", written)
        other = address.normalize(source.word(_URLS, 8), pattern=True)
        rank = address.match(normal, other) if other else None
        if rank is not None and other is not None:
            check(
                (normal.scheme, normal.port) == (other.scheme, other.port),
                "another scheme or port matches",
                url,
            )
    parts = address.partial(url)
    if parts.protocol and parts.host:
        check(
            address.partial(address.compose(parts)).protocol == parts.protocol,
            "another scheme is composed",
            url,
        )
    message = address.message_for(url, with_path=source.flag())
    target = target_of(message)
    if target is not None:
        check_target(target, message.get("protocol") or "", message.get("host") or "")
    address.ssh_host(url)
    address.holds_password(url)
    web_address = address.https_for_ssh(url)
    if web_address is not None:
        check(web_address.startswith("https://dev.azure.com/"), "an SSH address leads elsewhere", web_address)
        about = address.target_of_url(web_address)
        check(
            about is not None and about.host == "dev.azure.com", "an SSH address leads elsewhere", web_address
        )


def origins(source: Source) -> None:
    """Read the origin of a URL: what decides whether a request may leave, and what sends it, mean the same host."""
    if source.flag():
        beginning = source.pick(
            ("https://dev.azure.com", "https://login.microsoftonline.com", "https://", "")
        )
        url = beginning + source.word((*_URLS, "//", "\\", "dev.azure.com@"), 6)
    else:
        url = source.rest().decode("utf-8", "surrogateescape")
    origin = target.origin(url)
    if origin not in target.microsoft():
        return
    sent = httpx.URL(url)
    check(
        f"{sent.scheme}://{sent.netloc.decode()}".removesuffix(":443") == origin, "two readings of a URL", url
    )
    check(not sent.userinfo, "a URL with a user is allowed", url)
