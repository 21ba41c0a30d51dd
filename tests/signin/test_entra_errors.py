"""entra_errors.py and sign_in_errors.py: what Entra's sign_in_errors mean to a person, and what follows from each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.errors import NetworkError, quote
from git_credential_azdo.git.target import MSA_TENANT, MSA_TRANSFER_TENANT, NIL_TENANT
from git_credential_azdo.signin import sign_in_errors
from git_credential_azdo.signin.entra_errors import CASES
from git_credential_azdo.signin.oauth import OAuthError

# Every code of Microsoft's table that concerns us, with a word of the cause that must be said.
CODES = {
    "multifactor authentication": [50076, 50074, 50079, 50078],
    "device": [53000, 53001, 530032, 700003, 530036],
    "approved app": [53002],
    "Conditional Access": [53003, 530035, 50131],
    "risk": [53011, 530034],
    "was deleted": [500341],
    "a loop": [50196],
    "consented": [65001],
    "administrator": [90094, 90095],
    "declined": [65004],
    "not authorized to request Azure DevOps": [65002],
    "client id is not known": [700016, 70001, 700011],
    "has no Azure DevOps": [500011],
    "not a member or guest": [50020, 90072, 50034],
    "personal": [500200],
    "this kind of account": [50194, 90130, 9002332],
    "expired": [70008, 700082, 7000222],
    "sign in again": [70043],
    "revoked": [50173],
    "no longer valid": [50089, 70000],
    "used before": [54005],
    "another sign-in attempt": [501481],
    "redirect URI": [50011, 500119],
    "scope": [70011, 700022],
    "malformed": [9002313, 900144, 90014],
    "not been entered yet": [70016],
    "not the one shown": [70018, 90119],
    "not entered in time": [70019],
    "entered before": [90120],
    "must not send a secret": [700025],
    "needs a secret": [7000218],
    "secret is wrong": [7000215],
    "does not exist": [90002],
    "national cloud": [90038],
    "busy": [90055, 90033, 90006],
    "another tenant": [700005],
}


@pytest.mark.parametrize(
    ("cause", "code"), [(cause, code) for cause, codes in CODES.items() for code in codes]
)
def test_every_known_code_has_a_cause_and_a_next_step(cause: str, code: int) -> None:
    """The raw code and the ids come last, for administrators."""
    refused = OAuthError("invalid_grant", codes=(code,), ids=("trace id t-1", "correlation id c-1"))

    error = sign_in_errors.sign_in_error(refused, who="me@contoso.com", tenant="contoso.com")

    assert cause in error.message
    assert error.message.endswith(f"(AADSTS{code}, trace id t-1, correlation id c-1)")
    assert error.hint
    assert "{" not in error.message + error.hint


@pytest.mark.parametrize(
    ("who", "tenant", "message", "hint"),
    [
        (
            "me@contoso.com",
            "contoso.com",
            "the sign-in of me@contoso.com has expired",
            "git credential-azdo setup --tenant contoso.com --login-hint me@contoso.com",
        ),
        (
            "odd name",
            "organizations",
            "the sign-in of odd name has expired",
            "git credential-azdo setup",
        ),
        (None, None, "the sign-in of this account has expired", "git credential-azdo setup"),
        *(
            (
                "kim@outlook.com",
                tenant,
                "the sign-in of kim@outlook.com has expired",
                "git credential-azdo setup --login-hint kim@outlook.com",
            )
            for tenant in (MSA_TENANT, MSA_TRANSFER_TENANT, NIL_TENANT)
        ),
        (
            None,
            "my tenant",
            "the sign-in of this account has expired",
            f"git credential-azdo setup --tenant {quote('my tenant')}",
        ),
    ],
)
def test_the_hint_is_the_command_to_run(who: str | None, tenant: str | None, message: str, hint: str) -> None:
    """It can be copied into a shell as it stands."""
    refused = OAuthError("invalid_grant", codes=(700082,))

    error = sign_in_errors.sign_in_error(refused, who=who, tenant=tenant)

    assert error.message == f"{message} (AADSTS700082)"
    assert error.hint == hint


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (OAuthError("interaction_required", codes=(1,)), "the tenant requires me to sign in again (AADSTS1)"),
        (
            OAuthError("invalid_grant", suberror="consent_required"),
            "me has not consented to this app in the tenant (invalid_grant, consent_required)",
        ),
        (
            OAuthError("invalid_grant", description="Token is not active"),
            "the sign-in of me is no longer valid; the server says: Token is not active (invalid_grant)",
        ),
        (OAuthError("odd"), "the sign-in server refused me (odd)"),
        (OAuthError("odd", codes=(1, 90002)), "the tenant does not exist (AADSTS1, AADSTS90002)"),
    ],
)
def test_an_unknown_code_is_worded_by_error_and_suberror(refused: OAuthError, message: str) -> None:
    """Other servers than Microsoft's have no codes; their own words come after ours."""
    assert sign_in_errors.sign_in_error(refused, who="me", tenant=None).message == message


@given(
    st.sampled_from(sorted({code for codes in CODES.values() for code in codes})),
    st.text(),
    st.text(),
)
def test_names_with_braces_are_only_names(code: int, who: str, tenant: str) -> None:
    """No name can break or steer the wording."""
    refused = OAuthError("invalid_grant", codes=(code,))

    error = sign_in_errors.sign_in_error(refused, who=who, tenant=tenant)

    assert f"AADSTS{code}" in error.message


@pytest.mark.parametrize(
    ("refused", "transient"),
    [
        (OAuthError("invalid_grant", codes=(700082,)), False),
        (OAuthError("interaction_required"), False),
        (OAuthError("invalid_grant", codes=(90055,)), True),
        (OAuthError("temporarily_unavailable"), True),
        (OAuthError("invalid_grant", status=429), True),
        (OAuthError("invalid_grant", status=503), True),
        (OAuthError("invalid_client"), False),
        (OAuthError("invalid_scope"), False),
    ],
)
def test_a_refusal_is_for_now_or_for_good(
    refused: OAuthError,
    transient: bool,  # noqa: FBT001 - a table
) -> None:
    """Busy: later. Refused, or a wrong client id: somebody has to act."""
    assert ("transient" in sign_in_errors.flags_of(refused)) is transient


def test_each_kind_of_refusal_has_its_flag() -> None:
    """One table: what is asked again, what needs a person, what a stale code is, and what device codes cannot do."""

    def codes(flag: str) -> set[int]:
        return {int(code) for code, case in CASES.items() if flag in case.flags and code.isdecimal()}

    flags = {"transient", "stale-code", "blocks-device-code", "permanent"}
    assert frozenset[str]().union(*(case.flags for case in CASES.values())) == flags
    assert codes("transient") == {90055, 90033, 90006, 50196}
    assert codes("stale-code") == {54005, 501481, 50148, 500112, 700005, 9002313, 70000, 70008}
    assert codes("blocks-device-code") == {
        50005, 50097, 50129, 50131, 53000, 53001, 53002, 53003, 530032, 530033, 530035,
    }  # fmt: skip
    assert {70000, 70008, 700082, 50173, 530036, 700003, 500341} <= codes("permanent")
    assert not codes("permanent") & (codes("transient") | codes("blocks-device-code"))


@pytest.mark.parametrize(
    ("refused", "permanent"),
    [
        (OAuthError("invalid_grant"), True),
        (OAuthError("invalid_grant", codes=(700082,)), True),
        (OAuthError("invalid_grant", codes=(50196,)), False),
        (OAuthError("invalid_grant", codes=(53003,)), False),
        (OAuthError("invalid_grant", codes=(50076,)), False),
        (OAuthError("invalid_grant", codes=(700082,), status=503), False),
        (OAuthError("invalid_client"), False),
        (OAuthError("odd"), False),
    ],
)
def test_only_what_no_tenant_would_take_is_refused_for_good(refused: OAuthError, permanent: bool) -> None:  # noqa: FBT001 - a table
    """A policy of one tenant may be satisfied elsewhere, or later."""
    assert ("permanent" in sign_in_errors.flags_of(refused)) is permanent


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (OAuthError("invalid_grant", codes=(70000,)), "this code is not valid: it was used before"),
        (OAuthError("invalid_grant"), "this code is not valid: it was used before"),
        (OAuthError("invalid_grant", codes=(54005,)), "this code was used before"),
        (
            OAuthError("invalid_grant", codes=(53003,)),
            "the Conditional Access policies of the tenant block me",
        ),
    ],
)
def test_a_first_sign_in_is_not_said_to_be_valid_no_longer(refused: OAuthError, message: str) -> None:
    """Nobody was signed in before; the code is what was wrong."""
    error = sign_in_errors.sign_in_error(refused, who="me", tenant=None, is_first=True)
    assert error.message.startswith(message)


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (OAuthError("x", status=503), "the sign-in service is busy and issued no token for me"),
        (
            OAuthError("x", status=500, description="Out of order until noon"),
            "the sign-in service is busy and issued no token for me; the server says: Out of order until noon",
        ),
        (
            OAuthError("x", status=503, codes=(500011,)),
            "the sign-in service is busy and issued no token for me",
        ),
        (
            OAuthError("invalid_grant", codes=(50196,)),
            "no token for me: Microsoft's sign-in service stopped a loop of identical requests (AADSTS50196)",
        ),
    ],
)
def test_a_busy_service_is_no_fault_of_the_account(refused: OAuthError, message: str) -> None:
    """What the server says about it is never lost."""
    error = sign_in_errors.busy_error(refused, "me")
    assert isinstance(error, NetworkError)
    assert error.message == message
    assert error.hint
