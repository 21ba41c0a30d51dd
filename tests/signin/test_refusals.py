"""Every code of Entra, Azure DevOps and the PAT lifecycle API has a cause, a next step and its raw form at the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from git_credential_azdo.devops import api, pats
from git_credential_azdo.errors import ServiceError
from git_credential_azdo.git.target import Organization
from git_credential_azdo.signin import entra_errors, sign_in_errors
from git_credential_azdo.signin.oauth import OAuthError
from git_credential_azdo.web import Response
from tests.emulator.aadsts import KINDS

ACTIVITY = "6f0b9d52-3c1e-4d8a-9f57-0c6a1e2b7d43"
# Microsoft's reference of error codes, as far as a sign-in for Azure DevOps meets them.
# fmt: off
AADSTS = {
    28000, 50005, 50131, 50196, 53011, 500341, 530034, 530036, 700003,
    50011, 50020, 50034, 50058, 50074, 50076, 50078, 50079, 50089, 50097, 50173,
    50194, 53000, 53001, 53002, 53003, 54005, 65001, 65002, 65004, 70000, 70001, 70003, 70005,
    70008, 70011, 70016, 70018, 70019, 70043, 90002, 90006, 90014, 90033, 90038, 90055, 90072,
    90094, 90095, 90119, 90120, 90130, 500011, 500112, 500119, 500200, 501481, 530032, 530033,
    530035, 700005, 700011, 700016, 700022, 700024, 700025, 700027, 700082, 700213, 900144, 7000215,
    7000218, 7000222, 9001023, 9002313, 9002325, 9002332,
}
# fmt: on
EXAMPLES = json.loads((Path(__file__).parents[1] / "emulator" / "examples.json").read_text())["examples"]
PAT_ERRORS = next(each["values"] for each in EXAMPLES if each["name"] == "pat_token_error_enum")
CODES = {
    "TF400813: Resource not available for anonymous access. Client authentication required.": "does not accept",
    "TF401019: The Git repository with name or identifier app does not exist or you do not ...": "may not see",
    "TF401444: Please sign-in at least once as ann in a web browser to enable access.": "has not signed in",
    "VS403463: The conditional access policy defined by your administrator has failed.": "Conditional Access",
    "TF402455: Pushes to this branch are not permitted; you must use a pull request.": "pull request",
    "TF400733: The request has been canceled: Request was blocked.": "limits the rate",
    "VS800075: The project with id 'x' does not exist, or you do not have permission.": "may not see",
    "TF401027: You need the Git 'GenericContribute' permission to perform this action.": "denies this account",
    "TF400898: An Internal Error Occurred.": "internal error",
    "TF200016: The following project does not exist: x.": "may not see",
    "TF30063: You are not authorized to access https://dev.azure.com/contoso.": "does not accept",
}


def is_line(text: str) -> bool:
    """Say whether a text is one line as all our messages are: filled in, no full stop."""
    return bool(text) and text.isprintable() and "{" not in text and not text.endswith(".")


@pytest.mark.parametrize("code", sorted(AADSTS | KINDS.keys()))
def test_every_code_of_entra_is_worded(code: int) -> None:
    """Cause, next step, and at the end the code, the trace id and the correlation id."""
    refused = OAuthError("invalid_grant", codes=(code,), ids=("trace id trace-1", "correlation id corr-2"))
    error = sign_in_errors.sign_in_error(refused, who="ann@contoso.com", tenant="contoso.com")
    assert str(code) in entra_errors.CASES
    assert is_line(error.message)
    assert error.hint
    assert is_line(error.hint)
    assert error.message.endswith(f"(AADSTS{code}, trace id trace-1, correlation id corr-2)")


def test_an_unknown_code_shows_what_the_server_says() -> None:
    """Still with a next step."""
    refused = OAuthError("odd_error", codes=(123456,), description="AADSTS123456: Something new happened")
    error = sign_in_errors.sign_in_error(refused, who=None, tenant=None)
    assert "the server says: AADSTS123456: Something new happened" in error.message
    assert error.hint == "git credential-azdo setup"


def test_every_pat_error_is_worded() -> None:
    """The specification's values, no more and no fewer, beside the one for success."""
    assert len(PAT_ERRORS) == 37
    assert set(pats.PAT_CASES) == set(PAT_ERRORS) - {"none"}


@pytest.mark.parametrize("value", sorted(set(PAT_ERRORS) - {"none"}))
def test_a_pat_error_has_a_cause_and_a_next_step(value: str) -> None:
    """Its own word stands at the end; the first letter may be in either case, as clients saw it."""
    error = pats.explain(value, Organization("contoso"))
    assert is_line(error.message)
    assert error.hint
    assert is_line(error.hint)
    assert error.message.endswith(f" ({value})")
    assert pats.explain(value[0].upper() + value[1:], Organization("contoso")).hint == error.hint


def test_a_new_pat_error_is_shown_as_it_is() -> None:
    """With the service's own words, if any came."""
    error = pats.explain("brandNew", Organization("contoso"), "It is full moon.")
    assert error.message.endswith("; the service says: It is full moon (brandNew)")
    assert error.hint == "open https://dev.azure.com/contoso/_usersSettings/tokens"


@pytest.mark.parametrize("place", ["json", "header", "page"])
@pytest.mark.parametrize(("text", "said"), CODES.items())
def test_every_code_of_azure_devops_is_worded(text: str, said: str, place: str) -> None:
    """Wherever it stands: in the JSON, in a header, in a page; the code and the activity id are at the end."""
    headers = [("ActivityId", ACTIVITY)]
    body = b""
    if place == "json":
        body = json.dumps({"message": text, "typeKey": "X"}).encode("utf-8-sig")
    elif place == "header":
        headers.append(("X-TFS-ServiceError", text.replace(":", "%3A").replace(" ", "%20")))
    else:
        body = f"<html><body>{text}</body></html>".encode()
    error = api.refusal(
        Response("dev.azure.com", 403, headers, body), "the organization contoso", Organization("contoso")
    )
    code = text.partition(":")[0]
    assert code in api.CASES
    assert said in error.message
    assert is_line(error.message)
    assert error.hint
    assert is_line(error.hint)
    assert error.message.endswith(f" ({code}, activity id {ACTIVITY})")
    assert isinstance(error, api.UnauthorizedError) is ("unauthorized" in api.CASES[code].flags)


def test_the_tables_and_this_test_know_the_same_codes() -> None:
    """A new row needs a line above."""
    assert {text.partition(":")[0] for text in CODES} == set(api.CASES) - {
        "AadUserStateException",
        "InvalidAccessException",
    }


def test_an_identity_that_never_signed_in_is_recognized_by_its_type() -> None:
    """This one comes without a code."""
    body = json.dumps({"message": "Identity x has not been materialized", "typeKey": "AadUserStateException"})
    error = api.refusal(
        Response("dev.azure.com", 401, [], body.encode()), "the organization contoso", Organization("contoso")
    )
    assert error.message == (
        "the organization contoso does not know this identity yet: it has not signed in there with a browser "
        "(AadUserStateException)"
    )
    assert error.hint
    assert error.hint.startswith("open https://dev.azure.com/contoso in a browser")


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, b"", "x does not accept this token"),
        (302, b"", "x does not accept this token"),
        (203, b"<html>Sign In</html>", "x does not accept this token"),
        (403, b'{"message": "No."}', "x does not accept this token (No)"),
        (404, b"", "x does not exist, or this account may not see it (status 404)"),
        (429, b"", "x limits the rate of requests (status 429)"),
        (500, b"[]", "x answered with status 500"),
        (
            400,
            b'{"message": "no: Bearer ' + b"x" * 52 + b'\\r\\nmore"}',
            "x answered with status 400 (no: Bearer ...)",
        ),
        (500, b'{"message": "VS999999999: odd"}', "x answered with status 500 (VS999999999: odd)"),
    ],
)
def test_what_comes_without_a_known_code_is_reported_by_its_status(
    status: int, body: bytes, message: str
) -> None:
    """One line."""
    error = api.refusal(Response("dev.azure.com", status, [], body), "x")
    assert error.message == message
    assert isinstance(error, ServiceError)


def test_an_activity_id_that_is_none_is_left_out() -> None:
    """What a server sends cannot reach the terminal by this way."""
    answer = Response("dev.azure.com", 403, [("ActivityId", "\x1b[2J")], b'{"message": "TF400733: no"}')
    assert api.refusal(answer, "x").message == "x limits the rate of requests (TF400733)"
