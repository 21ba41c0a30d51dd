"""What holds for every message, name and address, whatever stands in it: users, ports, escapes, schemes and Unicode.

The rules are those of ``tests/fuzz``, which the fuzzer checks for minutes; here they are checked for a moment in every run,
and a counterexample is made small.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from git_credential_azdo.accounts import choice as rules
from git_credential_azdo.errors import NetworkError
from git_credential_azdo.git import target
from git_credential_azdo.git.network import Settings
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import target_of
from git_credential_azdo.web import HttpClient
from tests.fuzz import verbs, words
from tests.fuzz.messages import REGISTRY, SERVERS, as_lines, check_choice, check_organization, check_target

if TYPE_CHECKING:
    from collections.abc import Sequence

MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEW = settings(MANY, max_examples=50)


def texts(parts: Sequence[str]) -> st.SearchStrategy[str]:
    """Make texts of these parts and of any text."""
    return st.lists(st.sampled_from(parts) | st.text(max_size=4), max_size=5).map("".join)


HOSTS = st.builds("{}{}".format, st.sampled_from(words.HOSTS), st.sampled_from(words.PORTS)) | texts(
    words.HOSTS
)
USERS = texts(words.USERS) | st.integers(0, 255).map(words.token_shaped)
PATHS = texts(words.PATHS)
MESSAGES = st.lists(
    st.tuples(st.just("protocol"), st.sampled_from(words.SCHEMES))
    | st.tuples(st.just("host"), HOSTS)
    | st.tuples(st.just("username"), USERS)
    | st.tuples(st.just("path"), PATHS),
    max_size=6,
)
HISTORIES = (
    ("get",),
    ("store",),
    ("erase",),
    ("get", "erase", "get"),
    ("get", "store", "get"),
    ("store", "get"),
)
EVIL = "https://evil.test/x"
ATTACK = [("protocol", "https"), ("host", "dev.azure.com"), ("username", EVIL)]
KELVIN = [("protocol", "https"), ("host", "\N{KELVIN SIGN}iosk.example:8443")]


@MANY
@given(MESSAGES)
@example(ATTACK)
@example([*ATTACK, ("path", "_git/lib")])
@example([("protocol", "https"), ("host", "dev.azure.com"), ("path", "https%3A%2F%2Fevil.test/app/_git/app")])
@example([("protocol", "https"), ("host", "con\u017fo.visualstudio.com")])
def test_an_organization_of_azure_devops_services_holds_letters_digits_and_hyphens_only(
    pairs: list[tuple[str, str]],
) -> None:
    """Neither the path, the host nor a user makes it anything else, and a request for it goes to its own host."""
    target = REGISTRY.target_of(Message(pairs))
    if target is not None:
        check_organization(target.organization, target)
        choice = rules.choose(target, None, REGISTRY)
        check_organization(choice.organization, target)
        if target.services or REGISTRY.server(target.address):
            check_choice(choice, target, REGISTRY)


@MANY
@given(MESSAGES)
@example(KELVIN)
@example([("protocol", "https"), ("host", "kiosk.example:8443:443")])
@example([("protocol", "https"), ("host", "tfs.example.com:443:443")])
@example([("protocol", "http"), ("host", "tfs.example.com:443")])
@example([("protocol", "https"), ("host", "tf\u017f.example.com")])
def test_a_host_is_taken_for_ours_or_registered_only_in_its_own_spelling(
    pairs: list[tuple[str, str]],
) -> None:
    """Exactly, in ASCII of any case, with its scheme and its port."""
    message = Message(pairs)
    target = REGISTRY.target_of(message)
    if target is not None:
        check_target(target, message.get("protocol") or "", message.get("host") or "")


@pytest.mark.parametrize("address", SERVERS)
def test_a_registered_server_is_found_in_every_spelling_of_its_own(address: str) -> None:
    """So that the rule above is not kept by finding none."""
    scheme, _, host = address.partition("://")
    port = "" if ":" in host else {"https": ":443", "http": ":80"}[scheme]
    for spelled in (host, host.upper(), host.title() + port):
        target = target_of(Message([("protocol", scheme.upper()), ("host", spelled)]))
        assert target is not None
        assert REGISTRY.server(target.address) is not None


@pytest.mark.skipif(sys.platform == "win32", reason="the descriptors of this process are put in place")
@FEW
@given(st.sampled_from(HISTORIES), MESSAGES, st.integers(0, 3))
@example(("get", "erase", "get"), ATTACK, 0)
@example(("get",), ATTACK, 1)
@example(("get",), KELVIN, 0)
@example(("store", "get"), [*ATTACK[:2], ("username", words.token_shaped(1))], 0)
def test_no_message_makes_git_s_verbs_act_for_a_host_that_is_not_azure_devops_or_registered(
    history: tuple[str, ...], pairs: list[tuple[str, str]], environment: int
) -> None:
    """Nor send a request elsewhere, answer one account's secret at another's address, or show what may be a token."""
    home = verbs.home()
    secret = home.a_secret
    try:
        for verb in history:
            given = "" if verb == "get" else secret
            secret = verbs.check_verb(verb, as_lines(pairs), home.variables[environment], given) or secret
    finally:
        home.put_back()


URLS = st.builds("{}://{}{}/{}".format, st.sampled_from(words.SCHEMES), HOSTS, st.just(""), PATHS) | texts(
    ("https://", "http:", "//", "dev.azure.com", "@", "\\", *words.HOSTS, *words.PORTS, *words.PATHS)
)


@MANY
@given(URLS)
@example("https://dev.azure.com.evil.test/")
@example("https://dev.azure.com@evil.test/")
@example("https://dev.azure.com\\@evil.test/")
@example("https://evil.test#@dev.azure.com/")
@example("https://dev.azure.com:443@evil.test:443/")
@example("https:/\\evil.test/https://dev.azure.com/")
def test_no_request_leaves_for_an_origin_that_is_not_allowed(url: str) -> None:
    """The client that sends it has a reading of URLs of its own: what counts is where it would really go."""
    sent: list[httpx.URL] = []

    def note(request: httpx.Request) -> httpx.Response:
        sent.append(request.url)
        return httpx.Response(200)

    with (
        HttpClient(30, Settings(), transport=httpx.MockTransport(note)) as web,
        contextlib.suppress(NetworkError),
    ):
        web.request("GET", url, headers={"Authorization": "Bearer x"}, retry=False)
    for gone in sent:
        assert gone.scheme == "https"
        assert gone.port in {None, 443}
        assert f"https://{gone.host}" in target.microsoft()
        assert not gone.userinfo


@pytest.mark.parametrize(
    "host", ["dev\u3002azure.com", "dev.azure.com\\x", "DEV.azure\uff0ecom", "a\ufe52com"]
)
def test_no_request_goes_elsewhere_than_its_caller_read(host: str) -> None:
    """The name is encoded once more on its way, where a dot of another script is a dot."""

    def fail(_request: httpx.Request) -> httpx.Response:
        raise AssertionError

    with (
        HttpClient(30, Settings(), transport=httpx.MockTransport(fail)) as web,
        pytest.raises(NetworkError, match="is not a host that requests of this program may go to"),
    ):
        web.request("GET", f"https://{host}/", elsewhere=True, retry=False)
