"""What each refusal of Azure DevOps means to a person, and what to do about it. Tables; they must never quote a token.

CASES: its error codes (TF..., VS...) and the ``typeKey`` of errors without one. Sources: Microsoft's pages on rate limits,
policies and permissions, and published answers. PAT_CASES: each ``patTokenError`` of the PAT lifecycle API, which comes
with HTTP 200 (MicrosoftDocs/vsts-rest-api-specs, specification/tokens/7.2). ``api`` and ``pats`` fill in the braces.

A row: codes | what they mean | what to do | flags. The flag ``unauthorized``: the token or its identity is rejected, so that
another may be accepted.
"""

from __future__ import annotations

from git_credential_azdo.signin.entra_errors import Case, read_cases

CASES = read_cases(
    """
TF400813 TF30063 | {where} does not accept this token: expired, of another tenant, or its account has no access | {who_can} | unauthorized
TF401444 AadUserStateException | {where} does not know this identity yet: it has not signed in there with a browser | open {address} in a browser, sign in with this account, then try again | unauthorized
TF401019 | {where} does not exist, or this account may not see it | if another account may: {who_can}
VS800075 TF200016 | a project of {where} does not exist, or this account may not see it | if another account may: {who_can}
VS403463 | {where} refuses this by its Conditional Access policy | sign in from a device and network that the policy allows, or ask the administrator
TF402455 | {where} protects this branch: it accepts changes by pull request only | push to another branch and open a pull request
TF401027 | {where} denies this account the permission | ask an administrator of the project for the permission, or choose another account with {use}
TF400733 | {where} limits the rate of requests | try again in a few minutes
TF400898 | {where} had an internal error | try again in a few minutes
"""
)
PAT_CASES = read_cases(
    """
displayNameRequired | the token needs a name | give one with --name
invalidDisplayName | the token cannot have this name | give another one with --name
invalidValidTo | the token cannot expire on that day | give fewer days with --days, and check this machine's clock
invalidScope | one of the scopes is unknown, or not allowed for tokens | git needs --scope vso.code_write; all of them: {scopes}
userIdRequired | Azure DevOps could not determine the token's user | sign in again: {setup}
invalidUserId | Azure DevOps does not know the token's user | sign in again: {setup}
invalidUserType | this kind of identity cannot have personal access tokens | sign in as a person: {setup}
accessDenied | this account may not manage tokens in {organization} | ask an administrator of {organization}, or name another account with --account
failedToIssueAccessToken failedToUpdateAccessToken | Azure DevOps had an internal error with the token | try again in a few minutes
invalidClient invalidClientType invalidClientId | Azure DevOps does not allow this client id to manage tokens | sign in without --client-id: {setup}
invalidTargetAccounts | a token cannot be for the organization {organization} | {who_can}
hostAuthorizationNotFound | {organization} does not know this sign-in | sign in again: {setup}
authorizationNotFound tokenNotFound | {organization} has no such token, or it is revoked already | {list}
sourceNotSupported | {organization} does not accept the request from this program | ask an administrator of {organization}
invalidSourceIP invalidSource | {organization} does not accept the request from this network | try it from your company's network, or ask an administrator of {organization}
duplicateHash | Azure DevOps made a token that exists already | try again in a few minutes
sshPolicyDisabled | {organization} does not allow SSH keys | ask an administrator of {organization}
invalidToken | Azure DevOps cannot read the token | sign in again: {setup}
invalidAuthorizationId | that is not the id of a token | {list}
failedToReadTenantPolicy failedToReadOrgPolicy | Azure DevOps could not read the policy of {organization} | try again in a few minutes
globalPatPolicyViolation | the tenant of {organization} forbids tokens for all organizations | {create}
globalPATCreationBlocked | Azure DevOps no longer makes tokens for all organizations | one for each: {create}
fullScopePatPolicyViolation | the tenant of {organization} forbids tokens with full access | name its scope: --scope vso.code_write
patLifespanPolicyViolation | the token would be valid for longer than the tenant of {organization} allows | ask for fewer days: {create_short}
disablePatCreationPolicyViolation | the policy of {organization} forbids personal access tokens | git needs none after {setup}; else ask an administrator of {organization}
expiredPatCannotBeExtended | the token has expired, and an expired one cannot be extended | a new one: {create}
invalidTokenType | Azure DevOps does not accept this kind of token for the request | sign in as a person: {setup}
invalidAudience | the sign-in is not for Azure DevOps | sign in again: {setup}
invalidSubject | Azure DevOps does not know who signed in | sign in as a person: {setup}
deploymentHostNotSupported | tokens belong to an organization | name it with --org
"""
)
UNKNOWN_PAT_CASE = Case(
    "{organization} refused the token for a reason that this program does not know", "open {page}"
)
