"""Message and hint for each ``patTokenError`` of the PAT lifecycle API, which comes with HTTP 200. A table.

The values are those of MicrosoftDocs/vsts-rest-api-specs, specification/tokens/7.2. ``explain`` fills in {organization}
and the commands and pages for it, and appends the value for administrators. It must never quote a token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_azdo import hints
from git_credential_azdo.devops.refusals import Case
from git_credential_azdo.errors import ServiceError

if TYPE_CHECKING:
    from git_credential_azdo.git.target import AnyOrganization

NONE = "none"
NOT_FOUND = frozenset({"authorizationNotFound", "tokenNotFound"})
"""The values for a token that does not exist, or no longer."""


class PatRefused(ServiceError):  # noqa: N818 - an answer, not an accident
    """Azure DevOps did not make, change or revoke the token; ``error`` is its ``patTokenError``."""

    def __init__(self, error: str, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.error = error


_MAKE_ONE = "{create}"
_SIGN_IN = "sign in again: {setup}"
_AS_PERSON = "sign in as a person: {setup}"
_ADMIN = "ask an administrator of {organization}"
_LIST = "{list}"
_AGAIN = "try again in a few minutes"
_INTERNAL = "Azure DevOps had an internal error with the token"
_NO_POLICY = "Azure DevOps could not read the policy of {organization}"
_NETWORK = "{organization} does not accept the request from this network"
_CLIENT = "Azure DevOps does not allow this client id to manage tokens"
_OTHER_CLIENT = f"sign in without --client-id: {hints.setup()}"

CASES: dict[str, Case] = {
    "displayNameRequired": Case("the token needs a name", "give one with --name"),
    "invalidDisplayName": Case("the token cannot have this name", "give another one with --name"),
    "invalidValidTo": Case(
        "the token cannot expire on that day", "give fewer days with --days, and check this machine's clock"
    ),
    "invalidScope": Case(
        "one of the scopes is unknown, or not allowed for tokens",
        f"git needs --scope vso.code_write; all of them: {hints.SCOPES_PAGE}",
    ),
    "userIdRequired": Case("Azure DevOps could not determine the token's user", _SIGN_IN),
    "invalidUserId": Case("Azure DevOps does not know the token's user", _SIGN_IN),
    "invalidUserType": Case("this kind of identity cannot have personal access tokens", _AS_PERSON),
    "accessDenied": Case(
        "this account may not manage tokens in {organization}",
        "ask an administrator of {organization}, or name another account with --account",
    ),
    "failedToIssueAccessToken": Case(_INTERNAL, _AGAIN),
    "invalidClient": Case(_CLIENT, _OTHER_CLIENT),
    "invalidClientType": Case(_CLIENT, _OTHER_CLIENT),
    "invalidClientId": Case(_CLIENT, _OTHER_CLIENT),
    "invalidTargetAccounts": Case(
        "a token cannot be for the organization {organization}",
        "{who_can}",
    ),
    "hostAuthorizationNotFound": Case("{organization} does not know this sign-in", _SIGN_IN),
    "authorizationNotFound": Case("{organization} has no such token, or it is revoked already", _LIST),
    "failedToUpdateAccessToken": Case(_INTERNAL, _AGAIN),
    "sourceNotSupported": Case("{organization} does not accept the request from this program", _ADMIN),
    "invalidSourceIP": Case(_NETWORK, "try it from your company's network, or " + _ADMIN),
    "invalidSource": Case(_NETWORK, "try it from your company's network, or " + _ADMIN),
    "duplicateHash": Case("Azure DevOps made a token that exists already", _AGAIN),
    "sshPolicyDisabled": Case("{organization} does not allow SSH keys", _ADMIN),
    "invalidToken": Case("Azure DevOps cannot read the token", _SIGN_IN),
    "tokenNotFound": Case("{organization} has no such token, or it is revoked already", _LIST),
    "invalidAuthorizationId": Case("that is not the id of a token", _LIST),
    "failedToReadTenantPolicy": Case(_NO_POLICY, _AGAIN),
    "failedToReadOrgPolicy": Case(_NO_POLICY, _AGAIN),
    "globalPatPolicyViolation": Case(
        "the tenant of {organization} forbids tokens for all organizations", _MAKE_ONE
    ),
    "globalPATCreationBlocked": Case(
        "Azure DevOps no longer makes tokens for all organizations", f"one for each: {_MAKE_ONE}"
    ),
    "fullScopePatPolicyViolation": Case(
        "the tenant of {organization} forbids tokens with full access",
        "name its scope: --scope vso.code_write",
    ),
    "patLifespanPolicyViolation": Case(
        "the token would be valid for longer than the tenant of {organization} allows",
        "ask for fewer days: {create_short}",
    ),
    "disablePatCreationPolicyViolation": Case(
        "the policy of {organization} forbids personal access tokens",
        "git needs none after {setup}; else " + _ADMIN,
    ),
    "expiredPatCannotBeExtended": Case(
        "the token has expired, and an expired one cannot be extended", f"a new one: {_MAKE_ONE}"
    ),
    "invalidTokenType": Case("Azure DevOps does not accept this kind of token for the request", _AS_PERSON),
    "invalidAudience": Case("the sign-in is not for Azure DevOps", _SIGN_IN),
    "invalidSubject": Case("Azure DevOps does not know who signed in", _AS_PERSON),
    "deploymentHostNotSupported": Case("tokens belong to an organization", "name it with --org"),
}
UNKNOWN = Case(
    "{organization} refused the token for a reason that this program does not know",
    "open {page}",
)
_BY_LOWER = {error.lower(): case for error, case in CASES.items()}  # the service has sent both spellings


def explain(error: str, organization: AnyOrganization, detail: str = "") -> PatRefused:
    """Return the error for a ``patTokenError``; ``detail``: the service's own message, if there is one."""
    case = _BY_LOWER.get(error.lower(), UNKNOWN)
    words = {
        "organization": organization,
        "setup": hints.setup(organization),
        "create": hints.pat_create(organization),
        "create_short": hints.pat_create(organization, days=7),
        "list": hints.pat_list(organization),
        "who_can": hints.explain(organization.url, online=True),
        "page": hints.tokens_page(organization.url),
    }
    message = case.cause.format_map(words)
    if detail:
        message += f"; the service says: {detail.rstrip('.')}"
    return PatRefused(error, f"{message} ({error})", case.hint.format_map(words))
