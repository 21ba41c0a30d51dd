"""What a machine's metadata service answers: busy, failing, without a token, or Azure Arc's challenge."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from git_credential_azdo.errors import AzdoError, NetworkError, ServiceError, SignInError, UsageError
from git_credential_azdo.git.network import Settings
from git_credential_azdo.signin import managed_identity
from git_credential_azdo.signin.managed_identity import Which
from git_credential_azdo.web import HttpClient
from tests.emulator.default_world import CONTOSO
from tests.emulator.model import RESOURCE
from tests.support import workloads
from tests.support.metadata_service import GOOD, GUID, SYSTEM, Service

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.emulator import Emulator


@pytest.mark.parametrize("status", [404, 410, 429, 500, 503])
def test_a_busy_service_is_asked_again_after_growing_pauses(status: int) -> None:
    """Until it answers."""
    service = Service((status, {}), (status, {}), (200, GOOD))
    assert service.ask("vm").expires_in == 3599
    assert service.pauses == [0.5, 1.0]
    assert (
        service.waited_for == ["the managed identity service of this Azure VM"] * 2
    )  # what the terminal shows


def test_a_pause_is_as_long_as_the_service_wants() -> None:
    """Retry-After counts, if there is time."""
    busy = httpx.Response(429, json={}, headers={"Retry-After": "7"})
    service = Service(busy, (200, GOOD))
    service.ask("vm")
    assert service.pauses == [7.0]


@pytest.mark.parametrize(("retry_after", "asked"), [("0", 7), ("3600", 1)])
def test_a_service_that_stays_busy_ends_it(retry_after: str, asked: int) -> None:
    """When the deadline is nearer than the pause."""
    service = Service(httpx.Response(503, json={}, headers={"Retry-After": retry_after}))
    with pytest.raises(
        NetworkError, match=rf"is busy or has no such page \(status 503, asked {asked} times\)"
    ):
        service.ask("vm")
    assert len(service.requests) == asked


@pytest.mark.parametrize(
    "body",
    [
        {"error": "invalid_request", "error_description": "Out of order"},
        {"message": "Out of order"},
        {"error": {"code": "x", "message": "Out of order"}},
        {"error": "Out of order"},
    ],
)
def test_what_a_failing_service_says_is_never_lost(body: dict[str, Any]) -> None:
    """An administrator needs it, wherever the answer has it."""
    with pytest.raises(NetworkError, match=r"no such page: Out of order \(status 500"):
        Service((500, body)).ask("vm")


def test_a_machine_outside_of_azure_is_reported() -> None:
    """No second try: nobody is there."""
    service = Service(ConnectionRefusedError())
    with pytest.raises(
        NetworkError, match="no managed identity service of an Azure VM answers here"
    ) as caught:
        service.ask("vm")
    assert "service-principal" in str(caught.value.hint)
    assert len(service.requests) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"no"])
def test_what_is_no_identity_service_is_reported(body: bytes) -> None:
    """Other clouds have something else at that address."""
    service = Service(httpx.Response(403, content=body))
    with pytest.raises(
        ServiceError, match=r"^no managed identity answers on this machine \(status 403\)$"
    ) as caught:
        service.ask("vm")
    assert caught.value.hint == "git credential-azdo setup -h"


@pytest.mark.parametrize(
    ("numbers", "life"),
    [
        ({"expires_in": "86399"}, 86399),
        ({"expires_in": 60}, 60),
        ({"expires_on": "1000060"}, 60),
        ({"expires_on": 1000060}, 60),
        ({"expires_on": "999999"}, 600),  # by a clock that is wrong, here or there
        ({"expires_on": "09/14/2017 00:00:00 PM +00:00"}, 600),
        ({"expires_in": None}, 600),
        ({"expires_in": "", "expires_on": "1000060"}, 60),
    ],
)
def test_numbers_come_as_strings(numbers: dict[str, Any], life: int) -> None:
    """A token whose end cannot be read is soon asked for again."""
    assert managed_identity._life(numbers, 1_000_000.0) == life


@pytest.mark.parametrize(
    ("status", "body", "kind", "told"),
    [
        (
            400,
            {"error": "invalid_request", "error_description": "Identity not found"},
            SignInError,
            "not found",
        ),
        (401, {"statusCode": 401, "message": "Unauthorized"}, SignInError, r"Unauthorized \(status 401\)"),
        (403, {"error": {"code": "x"}}, SignInError, r"of its own \(status 403\)"),
        (200, [], ServiceError, "is not a token response"),
        (200, {"token": 1}, ServiceError, "has no access token"),
    ],
)
def test_an_answer_without_a_token_is_an_error(
    status: int, body: object, kind: type[AzdoError], told: str
) -> None:
    """With the service's own words, if it has any."""
    with pytest.raises(kind, match=told):
        Service((status, body)).ask("vm")


def test_arcs_challenge_is_answered_with_its_file(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can read the agent's folder may have a token."""
    folder = os.path.join(emulator.world.directory, "tokens")
    os.mkdir(folder)
    emulator.world.machine.arc_folder = folder
    workloads.give_identity(emulator.world)
    monkeypatch.setattr(managed_identity, "ARC_FOLDER", folder)
    environment = {"IDENTITY_ENDPOINT": f"{emulator.machine_address}/arc"}
    with HttpClient(20, Settings(proxy="")) as web:
        grant = managed_identity.ask(web, "arc", SYSTEM, RESOURCE, environment)
    assert emulator.world.grants.access[grant.access_token].tenant == CONTOSO
    with pytest.raises(UsageError, match="Azure Arc machine has one identity only"):
        Service((200, GOOD)).ask("arc", Which("object_id", GUID))


def test_arc_is_read_no_other_file(tmp_path: Path) -> None:
    """Not outside its folder, not by a link, not of another name, not a large one."""
    folder = tmp_path / "tokens"
    (folder / "below").mkdir(parents=True)
    for name in ("other.key", "tokens/a.txt", "tokens/below/b.key"):
        (tmp_path / name).write_text("secret")
    (folder / "link.key").symlink_to(tmp_path / "other.key")
    for path in ("other.key", "tokens/../other.key", "tokens/a.txt", "tokens/below/b.key", "tokens/link.key"):
        with pytest.raises(SignInError, match="outside its own folder"):
            managed_identity._read_arc_key(f"Basic realm={tmp_path}/{path}", str(folder))
    for challenge in ("", "Bearer", "Basic realm=", f"Digest realm={folder}/x.key"):
        with pytest.raises(SignInError, match="outside its own folder"):
            managed_identity._read_arc_key(challenge, str(folder))
    for content in (b"k" * 4097, b"", b"two words", b"\xff", b"two\nlines"):
        (folder / "x.key").write_bytes(content)
        with pytest.raises(SignInError, match="contains no key"):
            managed_identity._read_arc_key(f"Basic realm={folder}/x.key", str(folder))
    (folder / "x.key").write_bytes(b"good\n")
    assert managed_identity._read_arc_key(f'basic realm="{folder}/x.key"', str(folder)) == "good"
    with pytest.raises(SignInError, match="cannot be read") as caught:
        managed_identity._read_arc_key(f"Basic realm={folder}/gone.key", str(folder))
    assert "himds" in str(caught.value.hint)
