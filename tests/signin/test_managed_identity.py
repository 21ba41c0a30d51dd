"""managed_identity.py: which service is asked, in which words, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo import inherited
from git_credential_azdo.errors import UsageError
from git_credential_azdo.signin import managed_identity
from git_credential_azdo.signin.managed_identity import Which
from tests.support.metadata_service import GOOD, GUID, SYSTEM, Service

if TYPE_CHECKING:
    from pathlib import Path

OLD = "Azure Machine Learning and Cloud Shell (MSI_ENDPOINT)"
VM_PATH = "/metadata/identity/oauth2/token"


# Managed identities


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ("system", SYSTEM),
        ("SYSTEM", SYSTEM),
        (GUID.upper(), Which("client_id", GUID)),
        (f"object:{GUID}", Which("object_id", GUID)),
        ("resource:/subscriptions/1/x", Which("resource_id", "/subscriptions/1/x")),
    ],
)
def test_an_identity_is_read_as_people_write_it(text: str, which: Which) -> None:
    """By one of four spellings."""
    assert managed_identity.read_identity(text) == which


@given(st.text(max_size=30))
def test_any_other_text_names_no_identity(text: str) -> None:
    """And is refused by a line that shows the forms."""
    try:
        which = managed_identity.read_identity(text)
    except UsageError as error:
        assert "is not a managed identity" in error.message  # noqa: PT017 - both outcomes are fine
    else:
        assert which.kind or text.lower() == "system"


@pytest.mark.parametrize(
    "text", ["", GUID[1:], "object:x", f"client:{GUID}", "resource:x", f"object: {GUID}"]
)
def test_a_near_miss_names_no_identity(text: str) -> None:
    """A mistyped one is never taken for the machine's own."""
    with pytest.raises(UsageError, match="is not a managed identity"):
        managed_identity.read_identity(text)


@pytest.mark.parametrize(
    ("names", "source"),
    [
        ("", "vm"),
        ("IDENTITY_ENDPOINT IDENTITY_HEADER", "app-service"),
        ("IDENTITY_ENDPOINT IDENTITY_HEADER IDENTITY_SERVER_THUMBPRINT", "Service Fabric"),
        ("IDENTITY_ENDPOINT IMDS_ENDPOINT", "arc"),
        ("MSI_ENDPOINT MSI_SECRET", OLD),
        ("MSI_ENDPOINT", OLD),
    ],
)
def test_the_environment_says_whose_service_answers(names: str, source: str) -> None:
    """In the order in which Microsoft's libraries look."""
    assert managed_identity.source_of(dict.fromkeys(names.split(), "x")) == source


def test_an_arc_agent_without_variables_is_found_by_its_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Services that the machine starts have none of its variables."""
    monkeypatch.setattr(managed_identity, "ARC_AGENT", str(tmp_path))
    assert managed_identity.source_of({}) == "arc"


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"),
        ("IDENTITY_HEADER", "IDENTITY_ENDPOINT"),
    ],
)
def test_half_of_the_variables_is_an_error(name: str, missing: str) -> None:
    """Which one is missing is said; a VM's service is not asked instead."""
    with pytest.raises(UsageError, match=f"{name} is set, but {missing} is not"):
        managed_identity.source_of({name: "x", missing: ""})


@pytest.mark.parametrize(
    ("source", "which", "environment", "url", "headers"),
    [
        (
            "vm",
            Which("resource_id", "/subscriptions/1"),
            {},
            f"{managed_identity.VM_ADDRESS}{VM_PATH}?api-version=2018-02-01&resource=res&msi_res_id=%2Fsubscriptions%2F1",
            {"metadata": "true"},
        ),
        (
            "app-service",
            Which("resource_id", "/subscriptions/1"),
            {"IDENTITY_ENDPOINT": "http://169.254.131.2:8081/msi?a=b", "IDENTITY_HEADER": "h"},
            "http://169.254.131.2:8081/msi?a=b&api-version=2019-08-01&resource=res&mi_res_id=%2Fsubscriptions%2F1",
            {"x-identity-header": "h"},
        ),
        (
            "arc",
            SYSTEM,
            {},
            "http://localhost:40342/metadata/identity/oauth2/token?api-version=2020-06-01&resource=res",
            {"metadata": "true"},
        ),
    ],
)
def test_each_service_is_asked_in_its_own_words(
    source: str, which: Which, environment: dict[str, str], url: str, headers: dict[str, str]
) -> None:
    """Versions, names of parameters and headers differ from machine to machine."""
    service = Service((200, GOOD))
    assert service.ask(source, which, **environment).access_token == "at"
    (request,) = service.requests
    assert (request.method, str(request.url)) == ("GET", url)
    assert {name: request.headers[name] for name in headers} == headers


@pytest.mark.parametrize(
    ("source", "environment", "told"),
    [
        ("Service Fabric", {}, "Service Fabric is not supported"),
        (OLD, {}, "Azure Machine Learning and Cloud Shell .MSI_ENDPOINT. is not supported"),
        ("cloud-shell", {}, "cloud-shell is not supported"),
        ("", {}, "an unknown service is not supported"),
        ("app-service", {"IDENTITY_ENDPOINT": "http://h"}, "IDENTITY_HEADER is not set here"),
        ("app-service", {}, "IDENTITY_ENDPOINT is not set here"),
        (
            "app-service",
            {"IDENTITY_ENDPOINT": "http://h", "IDENTITY_HEADER": "t\u00f6k"},
            "IDENTITY_HEADER is not",
        ),
        ("vm", {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "ftp://h"}, "is not a URL"),
        ("vm", {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://[h"}, "is not a URL"),
        ("vm", {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://u@h"}, "is not a URL"),
        ("vm", {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://h/a b"}, "is not a URL"),
    ],
)
def test_a_service_that_cannot_be_asked_is_not_asked(
    source: str, environment: dict[str, str], told: str
) -> None:
    """The line says what is missing or odd."""
    service = Service((200, GOOD))
    with pytest.raises(UsageError, match=told):
        service.ask(source, SYSTEM, **environment)
    assert service.requests == []


def test_the_secret_of_a_service_reaches_no_other_program() -> None:
    """What ``inherited`` removes, before any module knows why, is all that the services want."""
    assert managed_identity.SECRETS <= inherited.SECRETS
