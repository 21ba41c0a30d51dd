"""The emulator answers as Microsoft does: every recorded example is provoked and compared.

Compared are status, header names and their order, header values but for GUIDs and placeholders, the keys and types
of bodies, and the values that carry meaning. The examples lie in ``tests/emulator/examples.json``.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator import emulator as emulator_module
from tests.emulator import provoke_azure_devops, provoke_entra
from tests.emulator.client import REDIRECT, Client
from tests.emulator.provoke_azure_devops import new_pat

if TYPE_CHECKING:
    import httpx

_PATH = os.path.join(os.path.dirname(emulator_module.__file__), "examples.json")
with open(_PATH, encoding="utf-8") as _file:
    EXAMPLES: dict[str, dict[str, Any]] = {one["name"]: one for one in json.load(_file)["examples"]}

PROVOKE = {**provoke_azure_devops.PROVOKE, **provoke_entra.PROVOKE}
NOT_SERVED = {
    "pat_token_error_enum": "a list of values, not an answer; see test_policy_errors_are_of_the_published_list",
    "access_token_error_enum": "a list of values of Azure DevOps' own OAuth, which is gone",
    "azdo_oauth_authorize": "Azure DevOps' own OAuth is gone",
    "azdo_oauth_token": "Azure DevOps' own OAuth is gone",
    "azdo_oauth_refresh": "Azure DevOps' own OAuth is gone",
    "entra_cae_challenge": "only sent to clients that declare cp1, and never seen from Azure DevOps to git",
    "az_cli_token": "a program's output, not an HTTP answer",
    "rest_pat_expired_text": "a claim about the Marketplace; the services we use answer the empty 401",
}


# How an answer is compared

MEANING = {
    *("error", "suberror", "error_codes", "error_uri", "token_type", "typeName", "typeKey", "patTokenError"),
    *("errorCode", "eventId", "$id", "deploymentType", "interval", "expires_in", "verification_uri", "count"),
}
GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_VARIABLE = re.compile(rf"<[^>]*>|\$[A-Z_]+|\{{[a-z]+\}}|{GUID}|(?<=prod)[a-z]+\d+", re.IGNORECASE)


def pattern(recorded: str) -> str:
    """Make a pattern of a recorded text: placeholders, GUIDs and regions may be others."""
    pieces = [re.escape(piece) for piece in _VARIABLE.split(recorded)]
    return ".+?".join(pieces)


def same_shape(recorded: Any, answered: Any, where: str) -> None:
    """Compare keys and types, and the values that carry meaning."""
    assert type(answered) is type(recorded), where
    if isinstance(recorded, dict):
        assert set(answered) == set(recorded), where
        for key, value in recorded.items():
            same_shape(value, answered[key], f"{where}.{key}")
            if key in MEANING:
                assert answered[key] == value, f"{where}.{key}"
    elif isinstance(recorded, list):
        assert len(answered) == len(recorded), where
        for at, (one, other) in enumerate(zip(recorded, answered, strict=True)):
            same_shape(one, other, f"{where}[{at}]")


def same_headers(recorded: Any, answered: list[tuple[str, str]]) -> None:
    """Compare names, their order, and values."""
    rest = iter(answered)
    for name, value in recorded.items() if isinstance(recorded, dict) else recorded:
        found = next((other for other in rest if other[0] == name), None)
        assert found is not None, f"{name} is missing, or not in its place"
        assert re.fullmatch(pattern(value), found[1]), f"{name}: {found[1]}"


def same_request(recorded: dict[str, Any] | None, asked: httpx.Request) -> None:
    """Compare method and address; the organization may be another. At authorize it is the click that is answered."""
    if recorded is None:
        return
    assert asked.method == recorded["method"] or "/authorize" in recorded["url"]
    url = re.sub(r"(?<=\.azure\.com/)[^/?]+", "<organization>", recorded["url"])
    assert re.match(pattern(url), str(asked.url)), asked.url


@pytest.mark.parametrize("name", sorted(PROVOKE))
def test_an_answer_is_the_recorded_one(client: Client, name: str) -> None:
    """The same request gives the same status, headers and body."""
    response = PROVOKE[name](client)
    same_request(EXAMPLES[name].get("request"), response.request)
    recorded = EXAMPLES[name]["response"]
    if "status" in recorded:
        assert response.status_code == recorded["status"]
    same_headers(recorded.get("headers", {}), [(k.decode(), v.decode()) for k, v in response.headers.raw])
    assert response.content.startswith(b"\xef\xbb\xbf") is recorded.get("bom", False)
    if "json" in recorded:
        same_shape(recorded["json"], json.loads(response.content.decode("utf-8-sig")), "")
    if recorded.get("text") == "":
        assert response.content == b""
        assert "Content-Type" not in response.headers


def test_every_example_is_served_or_listed() -> None:
    """No example is forgotten, and none is listed that is served."""
    assert set(PROVOKE) | set(NOT_SERVED) == set(EXAMPLES)
    assert not set(PROVOKE) & set(NOT_SERVED)


def test_the_sign_in_page_is_the_recorded_one(client: Client) -> None:
    """The 203 page has its title and its size, about 16 KB."""
    page = PROVOKE["rest_signin_page_203"](client).text
    assert "<title>Azure DevOps Services | Sign In</title>" in page
    assert 15_000 < len(page) < 17_000


def test_policy_errors_are_of_the_published_list(client: Client) -> None:
    """Each value of the list can be provoked and comes with HTTP 200."""
    for value in EXAMPLES["pat_token_error_enum"]["values"][1:]:
        client.emulator.world.organizations["fabrikam"].policies.pat_error = value
        answer = new_pat(client)
        assert (answer.status_code, answer.json()) == (200, {"patToken": None, "patTokenError": value})


def test_no_file_holds_a_tokens_shape() -> None:
    """Secret scanners find nothing in the examples."""
    with open(_PATH, encoding="utf-8") as file:
        text = file.read()
    assert not re.search(r"[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{14}|\b[2-7a-z]{52}\b", text)
    assert REDIRECT in text
