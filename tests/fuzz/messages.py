"""git's lines, and what a message turns out to be about."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from git_credential_azdo.accounts import choice as rules
from git_credential_azdo.accounts.accounts_file import read
from git_credential_azdo.errors import ProtocolError
from git_credential_azdo.git.protocol import Message, format_pairs, parse, parse_pairs, split_blocks
from git_credential_azdo.git.target import tenant_in
from tests.fuzz import words
from tests.fuzz.oracle import check, is_organization, is_tenant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_credential_azdo.accounts.accounts_file import AccountsFile
    from git_credential_azdo.git.target import AnyOrganization, Target
    from tests.fuzz.source import Source

CLOUD = "dev.azure.us"
SERVERS = ("https://tfs.example.com", "https://kiosk.example:8443", "http://plain.example")
ACCOUNTS = "\n".join(
    (
        "version=1\nsalt=00112233445566778899aabbccddeeff\nvault=file\n",
        "kind=oauth\nid=a1\nname=ann@contoso.com\nalias=work\ntenant=3f2b1c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d\norg[]=contoso\n",
        "kind=oauth\nid=b1\nname=bob@fabrikam.com\norg[]=fabrikam\norg[]=con-toso\n",
        "kind=pat\nid=p1\nname=everywhere\norg[]=*\n",
        "kind=pat\nid=p2\nname=at-the-server\naddress=https://tfs.example.com\norg[]=https://tfs.example.com/tfs/defaultcollection\n",
        f"kind=oauth\nid=c1\nname=cleo@contoso.us\naddress=https://{CLOUD}\norg[]=https://{CLOUD}/contoso\n",
        "kind=typed\nid=t1\naddress=https://dev.azure.com\norganization=contoso\nusername=typed\n",
        "kind=typed\nid=t2\naddress=https://kiosk.example:8443\nusername=kim\n",
        f"kind=services\nhost={CLOUD}\nlogin=login.microsoftonline.us\n",
        *(f"kind=server\naddress={address}\n" for address in SERVERS),
        "kind=binding\ntarget=contoso/app/app\naccount=b1\n",
        "kind=learned\norganization=fabrikam\ntenant=11111111-2222-4333-8444-555555555555\n",
    )
)
REGISTRY = read(ACCOUNTS.encode())
_NO_LINE_ENDS = {0: None, 10: None}
_CHALLENGES = (
    "Bearer authorization_uri=",
    "https://login.microsoftonline.com/",
    "https://evil.test/",
    "3f2b1c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d",
    'Basic realm="',
    " ",
    ",",
)


def lines(source: Source) -> None:
    """Read a message and blocks of lines: anything is read or refused, and what was read is written the same."""
    data = source.rest()
    blocks = split_blocks(data)
    check(split_blocks(b"\n\n".join(blocks)) == blocks, "blocks are not read back", data)
    for raw in (data, *blocks):
        try:
            pairs = parse_pairs(raw)
        except ProtocolError as refused:
            check(refused.message == "a line is not of the form key=value", "an error shows a value", raw)
            continue
        _check_message(Message(pairs), pairs)
        clean = [(key, value) for key, value in pairs if not value.endswith("\r")]
        check(parse_pairs(format_pairs(clean)) == clean, "lines are not read back", raw)


def _check_message(message: Message, pairs: list[tuple[str, str]]) -> None:
    for key, value in pairs:
        known = message.all(key) if key.endswith("[]") else [message.get(key)]
        if (key, value) == pairs[-1] and value:
            check(known[-1] == value, "the last line does not count", key)
        check("\n" not in value, "a value holds a line end", key)
    check(
        repr(message) == f"Message({[*message.fields, *message.lists]})", "a message shows more than its keys"
    )


def targets(source: Source) -> None:
    """Ask what a message of hostile parts is about, and who would serve it."""
    try:
        message = parse(hostile_lines(source))
    except ProtocolError:
        return
    target = REGISTRY.target_of(message)
    if target is None:
        return
    protocol, host = message.get("protocol") or "", message.get("host") or ""
    check_target(target, protocol, host)
    tenant = tenant_in(message.all("wwwauth[]"))
    check(tenant is None or is_tenant(tenant), "a tenant is no GUID", tenant)
    choice = rules.choose(target, tenant, REGISTRY)
    check_organization(choice.organization, target)
    if target.services or REGISTRY.server(target.address):
        check_choice(choice, target, REGISTRY)


def hostile_lines(source: Source) -> bytes:
    """Return the lines of a message as git may be brought to send it."""
    pairs = [
        ("protocol", source.pick(words.SCHEMES)),
        (
            "host",
            source.pick(words.HOSTS) + source.pick(words.PORTS)
            if source.number(3)
            else source.word(words.HOSTS, 3),
        ),
    ]
    if source.flag():
        user = source.number(9)
        pairs.append(
            ("username", words.token_shaped(source.number(255)) if user == 0 else source.word(words.USERS))
        )
    if source.flag():
        pairs.append(("path", source.grown(source.word(words.PATHS, 8))))
    pairs += [("wwwauth[]", source.word(_CHALLENGES, 6)) for _ in range(source.number(2))]
    again = ("host", "protocol", "username", "path")  # said twice: the last one counts
    pairs += [(source.pick(again), source.word(words.HOSTS, 2)) for _ in range(source.number(2))]
    return as_lines(pairs)


def as_lines(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Return the lines of a message, as an older git writes them: whatever a value holds, but line ends."""
    text = "".join(f"{key}={value.translate(_NO_LINE_ENDS)}\n" for key, value in pairs)
    return text.encode("utf-8", "surrogateescape")


def check_target(target: Target, protocol: str, host: str) -> None:
    """Raise AssertionError unless ``remote`` is what the documents make of this protocol and host."""
    check(
        target.protocol in {"http", "https"} and target.protocol == protocol.lower(),
        "another protocol",
        protocol,
    )
    port = {"http": ":80", "https": ":443"}[target.protocol]
    spelled = host.lower().removesuffix(port) if host.isascii() else None
    if target.services:
        own = spelled in {"dev.azure.com", CLOUD}
        label = spelled.removesuffix(".visualstudio.com") if spelled and not own else ""
        check(own or is_organization(label), "a host that is not ours is taken for ours", host)
        check(target.host == (spelled if own else "dev.azure.com"), "another host of ours", host)
    if REGISTRY.server(target.address) is not None:
        check(
            spelled is not None and f"{target.protocol}://{spelled}" in SERVERS,
            "another server is registered",
            host,
        )
    check_organization(target.organization, target)
    if target.repository is not None:
        check(
            target.repository.startswith(f"{target.organization}/"),
            "a repository is elsewhere",
            target.repository,
        )


def check_organization(organization: AnyOrganization | None, target: Target) -> None:
    """Raise AssertionError unless a request for the organization can only go to the remote's own host."""
    if organization is None or not (target.services or REGISTRY.server(target.address)):
        return
    if target.host == "dev.azure.com":
        check(is_organization(organization), "no name of an organization", organization)
        asked = "dev.azure.com"
    else:
        beginning = f"https://{target.host}/" if target.services else f"{target.address}/"
        check(organization.startswith(beginning), "a collection is below no registered address", organization)
        if target.services:
            check(
                is_organization(organization.removeprefix(beginning)),
                "no name of an organization",
                organization,
            )
        asked = target.host
    parts = urlsplit(organization.url)
    check(parts.netloc == asked, "a request goes to another host", organization, parts.netloc)
    check(not parts.query and not parts.fragment, "a name becomes a query", organization)


def check_choice(choice: rules.Choice, target: Target, accounts_file: AccountsFile) -> None:
    """Raise AssertionError when an account serves what it may not, or a named user was passed over."""
    account, user = choice.account, choice.user
    if account is None:
        return
    check(account.address == target.address, "an account serves another place", account.id, target.address)
    check(not user or rules.answers_to(account, user), "a named user is passed over", user)
    if account.kind == "pat" and choice.organization:
        check(account.lists(choice.organization), "a token goes where it is not for", choice.organization)
    check(accounts_file.account(account.id), "an account that is not there", account.id)
