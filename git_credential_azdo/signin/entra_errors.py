"""What each Microsoft Entra error means to the user, what to do about it, and what follows from it. Tables only.

Codes: Microsoft's "Microsoft Entra authentication & authorization error codes" (AADSTS,
https://learn.microsoft.com/entra/identity-platform/reference-error-codes); words: ``error`` and ``suberror`` of OAuth.
``sign_in_errors`` reads it and fills in the braces: {who} the person or app, {tenant} the tenant, {setup} the command that
signs this account in again, {setup_other} the same for another person, {setup_tenant} the same with a tenant to fill in.

A row: codes | what they mean | what to do | flags. The flags:
  transient           the same request may succeed later, without any action
  permanent           this refresh token no longer works, in any tenant: the user must sign in again
  stale-code          for an authorization code: it was used, has expired, or belongs to another link
  blocks-device-code  a sign-in by device code cannot satisfy it; one in a browser may
"""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """What a refusal means: ``cause`` becomes the message, ``hint`` the next step."""

    cause: str
    hint: str
    flags: frozenset[str] = frozenset()


def read_cases(table: str, **shared: str) -> dict[str, Case]:
    """Return the cases of a table by their codes; ``shared``: the hints that it refers to as ``<name>``."""
    cases: dict[str, Case] = {}
    for line in table.splitlines():
        codes, *texts = (field.strip() for field in line.split(" | "))
        if texts:
            cause, hint, *flags = texts
            case = Case(cause, shared.get(hint.strip("<>"), hint), frozenset(" ".join(flags).split()))
            cases.update(dict.fromkeys(codes.split(), case))
    return cases


LINK_AGAIN = "run {setup} again and use the new link within ten minutes"
_SHARED = {
    "link": LINK_AGAIN,
    "device": "sign in with a browser on a managed device: {setup}; else ask your administrator",
    "assertion": "compare issuer, subject and audience of the app's federated credentials with those of the token",
}
CASES = read_cases(
    """
# Multifactor authentication, Conditional Access, risk
50076 50074 | {tenant} requires multifactor authentication for {who} | {setup}
50079 50072 | {who} must register for multifactor authentication in {tenant} | {setup}
50078 | the multifactor authentication of {who} has expired in {tenant} | {setup}
53000 53001 530032 530033 50005 50097 50129 protection_policy_required device_authentication_failed | {tenant} requires a managed (compliant) device | <device> | blocks-device-code
53002 | {tenant} requires an approved app, and this one is not | ask your administrator | blocks-device-code
53003 530035 | the Conditional Access policies of {tenant} block {who} here | <device> | blocks-device-code
50131 | the Conditional Access policies of {tenant} block {who} here (the device's state, the network or suspicious activity) | <device> | blocks-device-code
53011 530034 | {who} is blocked because of a risk that their home tenant has detected | ask the administrator of the account's own tenant
# Consent and apps
65001 consent_required | {who} has not consented to this app in {tenant} | {setup}
90094 90095 | an administrator of {tenant} must approve this app | ask your administrator, then run {setup}
65004 access_denied authorization_declined | the sign-in was declined | run the same command again
65002 650057 650052 | this app is not authorized to request Azure DevOps tokens | omit --client-id, or give the app the permission Azure DevOps / user_impersonation
700016 70001 700011 | the client id is not known in {tenant} | check --client-id and --tenant
500011 invalid_resource | {tenant} has no Azure DevOps | give the organization's own tenant: {setup_tenant}
50194 90130 | this client id does not support this kind of account | give the tenant: {setup_tenant}
9002332 | this client id does not support this kind of account in the tenant that was named | {setup}
50105 | {who} is not assigned to this app in {tenant} | ask your administrator
70003 70005 9002325 unauthorized_client | this client id is not registered for this way to sign in | omit --client-id, or check how it is registered
7000112 7000229 700081 | the app is disabled, or not installed, in {tenant} | ask an administrator of the tenant to enable the app
# The account
50020 90072 50034 | {who} is not a member or guest of {tenant} | sign in with an account of that tenant: {setup_other}
500200 50177 | {tenant} does not allow personal Microsoft accounts | sign in with an account of that tenant: {setup_other}
50053 50057 | the account {who} is locked or disabled in {tenant} | ask your administrator
500341 | the account {who} was deleted from {tenant} | ask your administrator, or sign in with another account: {setup_other} | permanent
50055 50144 | the password of {who} has expired | change it in a browser, then run {setup}
50126 | the name or the password is wrong | {setup}
# The sign-in and its refresh token
70008 | the sign-in of {who} has expired | {setup} | permanent stale-code
700082 700084 | the sign-in of {who} has expired | {setup} | permanent
70043 70044 | {tenant} requires {who} to sign in again from time to time | {setup} | permanent
50173 50133 500133 | the sign-in of {who} was revoked (a changed password, or an administrator) | {setup} | permanent
70000 invalid_grant | the sign-in of {who} is no longer valid | {setup} | permanent stale-code
50089 50058 50132 70002 | the sign-in of {who} is no longer valid | {setup} | permanent
530036 | {tenant} no longer accepts a sign-in that was made by device code | sign in with a browser: {setup} | permanent
700003 | the device that {who} signed in on is no longer registered in {tenant} | {setup} | permanent
50199 50140 | {tenant} requires {who} to confirm the sign-in in a browser | {setup}
interaction_required login_required | {tenant} requires {who} to sign in again | {setup}
client_mismatch | the sign-in was made with another client id | {setup}
# The authorization request and its code
54005 | this code was used before | <link> | stale-code
501481 50148 500112 | this code belongs to another sign-in attempt | <link> | stale-code
700005 | this code was issued for another tenant | <link> | stale-code
9002313 | the request was malformed | <link> | stale-code
900144 90014 | the request was malformed | <link>
50011 | the redirect URI is not registered for this client id | check --redirect-uri and --client-id
500119 | the redirect URI is of a kind that is no longer allowed | check --redirect-uri
70011 500131 invalid_scope | this client id may not request this scope | check --scope
700022 28000 | the scope names more than one service | check --scope
# The device code
70016 | the code has not been entered yet | enter it on the page shown
70018 90119 | the code that was entered is not the one shown | {setup}
70019 expired_token | the code was not entered in time | {setup}
90120 | the code was entered before | {setup}
# Secrets, certificates, federated credentials
invalid_client | the client id or its secret was refused | check --client-id
700025 | this client id is a public one and must not send a secret | omit the client secret
7000218 | this client id needs a secret | use a client id that is registered for mobile and desktop apps
7000215 | the client secret is wrong | check the client secret: its value, not its id
7000222 | the client secret has expired | create a new client secret in the app's registration
9001023 | an app signs in to one tenant, and none is named | give the tenant: --tenant TENANT
700027 700021 700023 | the client assertion does not match the app registration | check the certificate, the client id and --tenant
700024 | the client assertion is not valid at this time | check this machine's clock, and the token's age
70021 70025 700211 700212 700213 | the app has no federated credential for this token: its issuer, subject or audience is not registered | <assertion>
# The tenant and the service
90002 50128 900023 | {tenant} does not exist | check --tenant
90038 | {tenant} is in a national cloud | give its authority, for example --authority https://login.microsoftonline.us/TENANT
temporarily_unavailable server_error | the sign-in server is busy | try again in a minute | transient
90055 90033 90006 | Microsoft's sign-in service is busy | try again in a minute | transient
50196 | Microsoft's sign-in service stopped a loop of identical requests | wait a few minutes, then try again | transient
""",
    **_SHARED,
)
APP_CASES = read_cases(
    """
53003 530035 | the Conditional Access policies of {tenant} block {who} here | ask your administrator
700016 70001 700011 | {who} is not known in {tenant} | check the client id and the tenant: {setup}
500011 | {tenant} has no Azure DevOps | check the tenant: {setup}
7000112 7000229 700081 | {who} is not known in {tenant}, or disabled there | check the client id and the tenant: {setup}
7000215 | the client secret is not the one of {who} (it is the secret's value, not its id) | {setup}
7000222 | the client secret of {who} has expired | make a new one in the app's registration, then {setup}
9001023 | {who} belongs to one tenant, and none is named | give its id: {setup}
700027 700021 700023 | the certificate is not registered for {who}, or has expired | upload the certificate to the app's registration, or {setup}
70021 70025 700211 700212 700213 | no federated credential of {who} fits the token | <assertion>
90002 50128 900023 | {tenant} does not exist | check the tenant: {setup}
""",
    **_SHARED,
)
"""The cases that are worded differently for an app's own identity."""
UNKNOWN = Case("the sign-in server refused {who}", "{setup}")
