"""federation.py: how a job proves who it is, and what is said where it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from git_credential_azdo.accounts.account import FEDERATED, Block
from git_credential_azdo.errors import AzdoError, NetworkError, ServiceError, SignInError, UsageError
from git_credential_azdo.signin import federation
from tests.support.metadata_service import Service

if TYPE_CHECKING:
    from pathlib import Path


# Federation


def federated(source: str, **more: str) -> Block:
    """Make a block of a federated app."""
    return Block([("kind", FEDERATED), ("source", source), *more.items()])


@pytest.mark.parametrize(
    ("status", "error", "hint"),
    [
        (503, NetworkError, "try again in a minute"),
        (403, SignInError, "id-token: write"),
        (302, NetworkError, "a proxy"),
    ],
)
def test_what_githubs_token_service_says_is_never_lost(
    status: int, error: type[AzdoError], hint: str
) -> None:
    """Its trouble is passing, and no fault of the job's permissions."""
    environment = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://h/t", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"}
    service = Service(
        httpx.Response(status, json={"message": "No server is available"}, headers={"Retry-After": "99"})
    )
    with service.web() as web, pytest.raises(error, match=r"No server is available|redirected") as caught:
        federation.assertion(web, federated("github"), environment)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("missing", "hint"),
    [
        ("SYSTEM_OIDCREQUESTURI", "its agent sets this variable"),
        ("SYSTEM_ACCESSTOKEN", "SYSTEM_ACCESSTOKEN: $(System"),
    ],
)
def test_each_missing_variable_of_a_pipeline_has_its_own_cure(missing: str, hint: str) -> None:
    """To map a token cures no missing address."""
    both = {"SYSTEM_OIDCREQUESTURI": "https://h/t", "SYSTEM_ACCESSTOKEN": "t"}
    environment = {name: value for name, value in both.items() if name != missing}
    with Service((200, {})).web() as web, pytest.raises(UsageError, match=f"{missing} is not set") as caught:
        federation.assertion(web, federated("azure-pipelines"), environment)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize("value", ["$(System.AccessToken)", "***", "two words", "t\u00f6k", "\n"])
def test_a_variable_without_a_token_is_named_and_no_request_sent(value: str) -> None:
    """A variable that the pipeline does not know stands there as it was written."""
    environment = {"SYSTEM_OIDCREQUESTURI": "https://h/t", "SYSTEM_ACCESSTOKEN": value}
    service = Service((200, {}))
    with (
        service.web() as web,
        pytest.raises(UsageError, match="SYSTEM_ACCESSTOKEN does not contain") as caught,
    ):
        federation.assertion(web, federated("azure-pipelines", service_connection="s"), environment)
    assert (service.requests, "SYSTEM_ACCESSTOKEN: $(System" in str(caught.value.hint)) == ([], True)


@pytest.mark.parametrize("value", ["t\n", "\ufefft", " t\r\n"])
def test_what_stands_around_a_jobs_token_is_dropped(value: str) -> None:
    """As files and secret stores leave it."""
    service = Service((200, {"value": "jwt"}))
    environment = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://h/t", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": value}
    with service.web() as web:
        assert federation.assertion(web, federated("github"), environment) == "jwt"
    assert service.requests[0].headers["Authorization"] == "Bearer t"


@pytest.mark.parametrize("content", [b"", b"two words", b"x" * 65_537, "tök".encode()])
def test_a_file_without_a_token_is_refused(tmp_path: Path, content: bytes) -> None:
    """It must hold one token and nothing else."""
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(SignInError, match="contains no federated token"):
        federation.from_file(str(path))


@pytest.mark.parametrize(
    ("source", "environment", "more", "told"),
    [
        ("cloud", {}, {}, "'cloud' is not a source of federated tokens"),
        ("github", {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://h"}, {}, "REQUEST_TOKEN is not set"),
        (
            "github",
            {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://h", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"},
            {},
            "is not an https address",
        ),
        ("azure-pipelines", {"SYSTEM_OIDCREQUESTURI": "https://h"}, {}, "SYSTEM_ACCESSTOKEN is not set"),
        (
            "azure-pipelines",
            {"SYSTEM_OIDCREQUESTURI": "https://h", "SYSTEM_ACCESSTOKEN": "t"},
            {},
            "missing --service-connection",
        ),
    ],
)
def test_a_job_that_cannot_prove_itself_says_what_is_missing(
    source: str, environment: dict[str, str], more: dict[str, str], told: str
) -> None:
    """And asks nobody."""
    service = Service((200, {}))
    with service.web() as web, pytest.raises(UsageError, match=told):
        federation.assertion(web, federated(source, **more), environment)
    assert service.requests == []


GITHUB = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://h/token", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"}


def test_github_is_asked_for_the_audience_that_was_set() -> None:
    """National clouds have another one."""
    service = Service((200, {"value": "jwt", "count": 1}))
    with service.web() as web:
        token = federation.assertion(web, federated("github", audience="api://X"), GITHUB)
    assert (token, str(service.requests[0].url)) == ("jwt", "https://h/token?audience=api%3A%2F%2FX")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((401, {}), SignInError),
        ((200, {"value": ""}), ServiceError),
        ((200, []), ServiceError),
        ((200, {"value": 1}), ServiceError),
    ],
)
def test_an_answer_without_a_job_token_is_an_error(answer: tuple[int, object], kind: type[AzdoError]) -> None:
    """Never an assertion of nothing."""
    with Service(answer).web() as web, pytest.raises(kind, match="GitHub"):
        federation.assertion(web, federated("github"), GITHUB)


def test_pipelines_addresses_may_have_a_query_already() -> None:
    """The version and the connection are added to it, and it is a POST."""
    service = Service((200, {"oidcToken": "jwt"}))
    environment = {"SYSTEM_OIDCREQUESTURI": "https://h/t?a=b", "SYSTEM_ACCESSTOKEN": "t"}
    with service.web() as web:
        block = federated("azure-pipelines", service_connection="1 2")
        assert federation.assertion(web, block, environment) == "jwt"
    (request,) = service.requests
    assert (request.method, str(request.url)) == (
        "POST",
        "https://h/t?a=b&api-version=7.1&serviceConnectionId=1%202",
    )
    assert request.headers["authorization"] == "Bearer t"
