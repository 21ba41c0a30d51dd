"""The rooms behind machines' identities: what is asked of whom, how answers are read, and what is refused.

Metadata services answer from a function or from the emulator; nothing waits, since pauses are only counted.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.accounts.account import (
    AZURE_CLI,
    FEDERATED,
    MANAGED_IDENTITY,
    SERVICE_PRINCIPAL,
    Account,
    Block,
)
from git_credential_azdo.accounts.workload import setup_command
from git_credential_azdo.errors import (
    AzdoError,
    NetworkError,
    PassphraseNeeded,
    ServiceError,
    SignInError,
    UsageError,
)
from git_credential_azdo.git.network import Settings
from git_credential_azdo.signin import (
    azure_cli,
    certificate,
    exchange,
    federation,
    managed_identity,
    service_principal,
    sign_in_again,
    sign_in_errors,
)
from git_credential_azdo.signin.endpoints import Endpoint, Endpoints
from git_credential_azdo.signin.managed_identity import Which
from git_credential_azdo.signin.oauth import Grant, OAuthError
from git_credential_azdo.signin.service_principal import registration
from git_credential_azdo.web import HttpClient
from tests.emulator.default_world import CONTOSO
from tests.emulator.model import RESOURCE
from tests.support import workloads

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home
    from tests.emulator.emulator import Emulator

SYSTEM = Which("", "")
VM_PATH = "/metadata/identity/oauth2/token"
GUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
GOOD = {"access_token": "at", "expires_in": "3599"}


class Service:
    """A metadata service: answers in order, the last one again and again; remembers requests and pauses."""

    def __init__(self, *answers: tuple[int, Any] | httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(answer[0], json=answer[1])

    def web(self) -> HttpClient:
        """Return a client that reaches nobody else."""
        return HttpClient(30, Settings(proxy=""), transport=httpx.MockTransport(self._answer))

    def ask(self, source: str, which: Which = SYSTEM, **environment: str) -> Grant:
        """Ask it for a token."""
        with self.web() as web:
            return managed_identity.ask(web, source, which, "res", environment, sleep=self.pauses.append)


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
        assert "names no managed identity" in error.message  # noqa: PT017 - both outcomes are fine
    else:
        assert which.kind or text.lower() == "system"


@pytest.mark.parametrize(
    "text", ["", GUID[1:], "object:x", f"client:{GUID}", "resource:x", f"object: {GUID}"]
)
def test_a_near_miss_names_no_identity(text: str) -> None:
    """A mistyped one is never taken for the machine's own."""
    with pytest.raises(UsageError, match="names no managed identity"):
        managed_identity.read_identity(text)


@pytest.mark.parametrize(
    ("names", "source"),
    [
        ("", "vm"),
        ("IDENTITY_ENDPOINT IDENTITY_HEADER", "app-service"),
        ("IDENTITY_ENDPOINT IDENTITY_HEADER IDENTITY_SERVER_THUMBPRINT", "service-fabric"),
        ("IDENTITY_ENDPOINT IMDS_ENDPOINT", "arc"),
        ("MSI_ENDPOINT MSI_SECRET", "msi-endpoint"),
        ("MSI_ENDPOINT", "msi-endpoint"),
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
    """Versions, names of parameters and headers differ from place to place."""
    service = Service((200, GOOD))
    assert service.ask(source, which, **environment).access_token == "at"
    (request,) = service.requests
    assert (request.method, str(request.url)) == ("GET", url)
    assert {name: request.headers[name] for name in headers} == headers


@pytest.mark.parametrize(
    ("source", "environment", "told"),
    [
        ("service-fabric", {}, "Service Fabric is not supported"),
        ("msi-endpoint", {}, "Azure Machine Learning and Cloud Shell .MSI_ENDPOINT. is not supported"),
        ("cloud-shell", {}, "'cloud-shell' is not supported"),
        ("", {}, "'' is not supported"),
        ("app-service", {"IDENTITY_ENDPOINT": "http://h"}, "IDENTITY_HEADER is not set here"),
        ("app-service", {}, "IDENTITY_ENDPOINT and IDENTITY_HEADER are not set here"),
        ("vm", {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "ftp://h"}, "is no web address"),
        ("vm", {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://[h"}, "is no web address"),
        ("vm", {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://u@h"}, "is no web address"),
        ("vm", {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://h/a b"}, "is no web address"),
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


@pytest.mark.parametrize("status", [404, 410, 429, 500, 503])
def test_a_busy_service_is_asked_again_after_growing_pauses(status: int) -> None:
    """Until it answers."""
    service = Service((status, {}), (status, {}), (200, GOOD))
    assert service.ask("vm").expires_in == 3599
    assert service.pauses == [0.5, 1.0]


def test_a_pause_is_as_long_as_the_service_wants() -> None:
    """Retry-After counts, if there is time."""
    busy = httpx.Response(429, json={}, headers={"Retry-After": "7"})
    service = Service(busy, (200, GOOD))
    service.ask("vm")
    assert service.pauses == [7.0]


@pytest.mark.parametrize(("retry_after", "asked"), [("0", 6), ("3600", 1)])
def test_a_service_that_stays_busy_ends_it(retry_after: str, asked: int) -> None:
    """After six times, or when the deadline is nearer than the pause."""
    service = Service(httpx.Response(503, json={}, headers={"Retry-After": retry_after}))
    with pytest.raises(
        NetworkError, match=rf"is busy or has no such page \(status 503, asked {asked} times\)"
    ):
        service.ask("vm")
    assert len(service.requests) == asked


def test_a_service_that_is_being_updated_is_asked_for_longer() -> None:
    """410 Gone: Microsoft says that it may take 70 seconds; the deadline bounds it."""
    service = Service((410, {}))
    with pytest.raises(NetworkError, match="asked 7 times"):
        service.ask("vm")
    assert service.pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]


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


def test_a_machine_outside_of_azure_is_told_so() -> None:
    """No second try: nobody is there."""
    service = Service(httpx.ConnectError("no"))
    with pytest.raises(
        NetworkError, match="no managed identity service of an Azure VM answers here"
    ) as caught:
        service.ask("vm")
    assert "service-principal" in str(caught.value.hint)
    assert len(service.requests) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"no"])
def test_what_is_no_identity_service_is_told_so(body: bytes) -> None:
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
        ({"expires_on": "999999"}, 0),
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
        (200, [], ServiceError, "is no token answer"),
        (200, {"token": 1}, ServiceError, "holds no access token"),
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
        with pytest.raises(SignInError, match="holds no key"):
            managed_identity._read_arc_key(f"Basic realm={folder}/x.key", str(folder))
    (folder / "x.key").write_bytes(b"good\n")
    assert managed_identity._read_arc_key(f'basic realm="{folder}/x.key"', str(folder)) == "good"
    with pytest.raises(SignInError, match="cannot be read") as caught:
        managed_identity._read_arc_key(f"Basic realm={folder}/gone.key", str(folder))
    assert "himds" in str(caught.value.hint)


# Federation


def federated(source: str, **more: str) -> Block:
    """Make a block of a federated app."""
    return Block([("kind", FEDERATED), ("source", source), *more.items()])


@pytest.mark.parametrize(
    ("status", "error", "hint"),
    [(503, NetworkError, "try again in a minute"), (403, SignInError, "id-token: write")],
)
def test_what_githubs_token_service_says_is_never_lost(
    status: int, error: type[AzdoError], hint: str
) -> None:
    """Its trouble is passing, and no fault of the job's permissions."""
    environment = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://h/t", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"}
    service = Service(
        httpx.Response(status, json={"message": "No server is available"}, headers={"Retry-After": "99"})
    )
    with service.web() as web, pytest.raises(error, match="No server is available") as caught:
        federation.assertion(web, federated("github"), environment)
    assert "GitHub did not issue an OIDC token" in caught.value.message
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


@pytest.mark.parametrize("content", [b"", b"two words", b"x" * 65_537, "tök".encode()])
def test_a_file_without_a_token_is_refused(tmp_path: Path, content: bytes) -> None:
    """It must hold one token and nothing else."""
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(SignInError, match="holds no federated token"):
        federation.from_file(str(path))


@pytest.mark.parametrize(
    ("source", "environment", "more", "told"),
    [
        ("cloud", {}, {}, "no federated token comes from 'cloud'"),
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


# Certificates


def refused(path: Path, passphrase: str | None = None) -> AzdoError:
    """Return why a certificate is not taken."""
    with pytest.raises(SignInError) as caught:
        certificate.load(str(path), passphrase)
    return caught.value


def test_a_certificate_and_its_key_may_stand_in_any_order(tmp_path: Path) -> None:
    """Whatever else the file holds; the key's own certificate comes first."""
    path = tmp_path / "c.pem"
    own, issuer = (
        workloads.certificate(workloads.key()),
        workloads.certificate(workloads.key(2), "issuer"),
    )
    parts = [workloads.pem_certificate(issuer), workloads.pem_key(workloads.key()), b"# note\n"]
    path.write_bytes(b"".join([*parts, workloads.pem_certificate(own)]))
    loaded = certificate.load(str(path), None)
    assert loaded.chain == [own, issuer]
    assert repr(loaded) == "Certificate(2 in the chain)"


def test_files_that_hold_no_usable_certificate_are_told_apart(tmp_path: Path) -> None:
    """Missing, of another kind, without key, without certificate, protected."""
    path = tmp_path / "c.pem"
    assert "No such file" in refused(path).message
    path.write_bytes(b"\x30\x82junk")
    assert "is no PEM or PFX file" in refused(path).message
    path.write_bytes(workloads.pem_certificate(workloads.certificate(workloads.key())))
    assert "holds no private key" in refused(path).message
    path.write_bytes(workloads.pem_key(workloads.key()))
    assert "is no PEM or PFX file" in refused(path).message
    stranger = workloads.pem_certificate(workloads.certificate(workloads.key(2)))
    path.write_bytes(stranger + workloads.pem_key(workloads.key()))
    assert "holds no certificate of its key" in refused(path).message
    elliptic = ec.generate_private_key(ec.SECP256R1())
    mine = workloads.pem_certificate(workloads.certificate(elliptic))
    path.write_bytes(mine + workloads.pem_key(elliptic))
    assert "holds no RSA key" in refused(path).message
    path.write_bytes(mine + workloads.pem_key(workloads.key()))
    assert "holds no certificate of its key" in refused(path).message
    workloads.write_pem(path, "word")
    assert isinstance(refused(path), PassphraseNeeded)
    assert "is wrong" in refused(path, "other").message
    workloads.write_pfx(path, "word")
    assert "needs its passphrase" in refused(path).message
    assert "is wrong" in refused(path, "other").message


def test_an_old_openssl_key_is_read_too(tmp_path: Path) -> None:
    """PKCS #1, as openssl wrote it for years."""
    path = tmp_path / "c.pem"
    old = workloads.key().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(b"word"),
    )
    path.write_bytes(old + workloads.pem_certificate(workloads.certificate(workloads.key())))
    assert len(certificate.load(str(path), "word").chain) == 1
    assert "needs its passphrase" in refused(path).message


def test_a_secret_that_is_gone_is_told() -> None:
    """With the command that brings a new one."""
    block = Block([("kind", SERVICE_PRINCIPAL), ("client_id", "c"), ("tenant", "t"), ("org[]", "contoso")])
    with pytest.raises(SignInError, match="no longer in the vault") as caught:
        service_principal.proof(block, lambda: None)
    assert caught.value.hint == ("git credential-azdo setup service-principal c --tenant t --org contoso")


# Azure CLI


def test_az_that_hangs_is_ended_with_all_it_started(home: Home) -> None:
    """It is a script around Python; the deadline holds although a grandchild has our pipes."""
    body = "import subprocess; subprocess.run(['sleep', '600'])"
    workloads.install_az(home, {}, body=body)
    began = time.monotonic()
    with pytest.raises(NetworkError, match="gave no token within 0 s"):
        azure_cli.ask("res", "", 0.4, home.environment)
    assert time.monotonic() - began < 20


def test_az_that_is_no_program_is_told(home: Home) -> None:
    """One line, no traceback."""
    workloads.install_az(home, {})
    (home.folder / "az bin" / "az").write_text("#!/nowhere/python\n")
    with pytest.raises(UsageError, match="the Azure CLI does not start: az could not be started"):
        azure_cli.ask("res", "", 5, home.environment)


@pytest.mark.parametrize(("resource", "tenant"), [("a b", ""), ("", ""), ("res", "x & calc"), ("res", "-x")])
def test_nothing_odd_reaches_azs_command_line(resource: str, tenant: str) -> None:
    """On Windows it is read by cmd.exe."""
    with pytest.raises(UsageError, match="no tenant or resource"):
        azure_cli.ask(resource, tenant, 5, {})


@pytest.mark.parametrize("shift", [3600, -3600])
def test_the_end_of_azs_token_is_read_from_either_field(shift: int) -> None:
    """``expires_on`` is preferred; ``expiresOn`` is local time without a zone; what has ended has no life."""
    now = 1_784_841_300
    local = time.strftime("%Y-%m-%d %H:%M:%S.000000", time.localtime(now + shift))
    for fields in ({"expires_on": now + shift, "expiresOn": "x"}, {"expiresOn": local}):
        data = json.dumps({"accessToken": "at", "tenant": "T", "tokenType": "Bearer", **fields})
        token = azure_cli.read(data.encode(), float(now))
        assert (token.grant.expires_in, token.tenant) == (max(0, shift), "t")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"WARNING",
        b"[]",
        b"\xff",
        b'{"accessToken": "at"}',
        b'{"expires_on": 1}',
        b'{"accessToken": "at", "expires_on": 1%b}' % (b"0" * 400),
    ],
)
def test_what_is_no_token_of_az_is_refused(data: bytes) -> None:
    """Output of another program, or of another version."""
    with pytest.raises(ServiceError):
        azure_cli.read(data, 0.0)


def test_a_token_of_az_may_come_without_a_tenant() -> None:
    """Then it is taken as it is."""
    assert azure_cli.read(b'{"accessToken": "at", "expires_on": 5}', 0.0).tenant == ""


# Renewal


def test_a_command_sets_each_kind_up_again() -> None:
    """As it was set up, ready to be copied into a shell."""
    for pairs, words in (
        (
            [
                ("kind", SERVICE_PRINCIPAL),
                ("client_id", "c"),
                ("tenant", "t"),
                ("certificate", "/a b.pem"),
                ("send_x5c", "1"),
            ],
            "service-principal c --tenant t --certificate '/a b.pem' --send-x5c",
        ),
        ([("kind", MANAGED_IDENTITY), ("identity", "object:1")], "managed-identity object:1"),
        ([("kind", MANAGED_IDENTITY)], "managed-identity system"),
        (
            [
                ("kind", FEDERATED),
                ("source", "managed-identity"),
                ("client_id", "c"),
                ("identity", "system"),
            ],
            "federated managed-identity --client-id c --managed-identity system",
        ),
        (
            [("kind", FEDERATED), ("source", "file"), ("token_file", "/t"), ("org[]", "a"), ("org[]", "b")],
            "federated file --token-file /t --org a --org b",
        ),
        ([("kind", AZURE_CLI), ("tenant", "t")], "azure-cli"),
        ([("kind", AZURE_CLI), ("az_tenant", "t")], "azure-cli --tenant t"),
    ):
        block = Block(pairs)
        assert setup_command(block) == f"git credential-azdo setup {words}"
        assert sign_in_again.command(Account(block)) == setup_command(block)


@pytest.mark.parametrize(
    ("codes", "error", "told", "hint"),
    [
        (
            (7000215,),
            "invalid_client",
            "the client secret is not the one of c",
            "setup service-principal c",
        ),
        ((7000222,), "invalid_client", "the client secret of c has expired", "make a new one"),
        (
            (700016,),
            "unauthorized_client",
            "c is not known in tenant t",
            "check the client id and the tenant",
        ),
        (
            (700213,),
            "invalid_client",
            "no federated credential of c fits",
            "compare issuer, subject and audience",
        ),
        (
            (53003,),
            "invalid_grant",
            "Conditional Access policies of tenant t block c",
            "ask your administrator",
        ),
        ((65001,), "invalid_grant", "no token for c: c has not consented", "setup service-principal c"),
        ((), "invalid_client", "no token for c: the client id or its secret", "setup service-principal c"),
        (
            (90033,),
            "temporarily_unavailable",
            "no token for c: Microsoft's sign-in service is busy",
            "try again",
        ),
    ],
)
def test_a_refusal_names_the_identity_and_a_cure_without_a_browser(
    codes: tuple[int, ...], error: str, told: str, hint: str
) -> None:
    """Nobody can sign in for a machine."""
    block = Block([("kind", SERVICE_PRINCIPAL), ("name", "c"), ("client_id", "c"), ("tenant", "t")])
    worded = sign_in_errors.app_error(OAuthError(error, codes=codes), block)
    assert told in worded.message
    assert hint in str(worded.hint)
    assert "login-hint" not in str(worded.hint)


def test_a_refusal_without_a_tenant_has_words_too() -> None:
    """An authority beside Entra knows none."""
    refused_by = OAuthError("invalid_client", codes=(7000215,), status=401)
    block = Block([("kind", SERVICE_PRINCIPAL), ("client_id", "c")])
    error = sign_in_errors.app_error(refused_by, block)
    assert error.message.startswith("the client secret is not the one of c")
    assert error.message.endswith("(AADSTS7000215)")


# What setup asks an authority for


def test_an_authority_stands_for_the_tenant(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A national cloud's host goes before the tenant; a whole authority needs none, and may be any."""
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    with HttpClient(60) as http:

        def fields(
            tenant: str = "", authority: str = "", host: str | None = None, **environment: str
        ) -> dict[str, str]:
            return dict(
                registration(
                    http, "c", tenant=tenant, authority=authority, login_host=host, environment=environment
                )
            )

        found = fields("contoso.com", AZURE_AUTHORITY_HOST="https://login.microsoftonline.com/")
        assert found["authority"] == "https://login.microsoftonline.com/contoso.com"
        assert found["tenant"] == CONTOSO
        found = fields(CONTOSO, host="login.microsoftonline.us")
        assert found["authority"] == f"https://login.microsoftonline.us/{CONTOSO}"
        found = fields(authority=f"https://login.microsoftonline.com/{CONTOSO}")
        assert found["token_endpoint"] == f"https://login.microsoftonline.com/{CONTOSO}/oauth2/v2.0/token"
        assert found["tenant"] == CONTOSO


def test_an_authority_beside_entra_has_no_tenants(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any server that conforms will do."""
    endpoints = Endpoints(
        Endpoint("https://h/a", "https://h"), Endpoint("https://h/t", "https://h"), None, "https://h"
    )
    monkeypatch.setattr(exchange, "discover", lambda *_: endpoints)
    with HttpClient(60) as http:
        fields = dict(
            registration(http, "c", tenant="", authority="https://h", login_host=None, environment={})
        )
    assert (fields["tenant"], fields["token_endpoint"]) == ("", "https://h/t")
