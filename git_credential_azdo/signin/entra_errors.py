"""What each refusal of Microsoft Entra means to a person, what to do about it, and what follows. A table, nothing else.

Codes: Microsoft's "Microsoft Entra authentication & authorization error codes" (AADSTS,
https://learn.microsoft.com/entra/identity-platform/reference-error-codes). ``sign_in_errors`` reads it and fills in the
braces: {who} the person or app, {tenant} the tenant, {setup} the command that signs this account in again,
{setup_other} the same for another person, {setup_tenant} the same with a tenant to give.
"""

from __future__ import annotations

import enum
from typing import NamedTuple


class Flag(enum.Flag):
    """What follows from a refusal, beside its words."""

    NONE = 0
    TRANSIENT = enum.auto()
    """The same request may succeed later, without anyone doing anything."""
    PERMANENT = enum.auto()
    """This refresh token gets nothing any more, in whatever tenant: a person must sign in again."""
    STALE_CODE = enum.auto()
    """For an authorization code: it was used, has expired, or belongs to another link."""
    BLOCKS_DEVICE_CODE = enum.auto()
    """A sign-in by device code cannot satisfy it; one in a browser may."""


class Case(NamedTuple):
    """What a refusal means: ``cause`` becomes the message, ``hint`` the next step; ``app``: both for an app's identity."""

    cause: str
    hint: str
    flags: Flag = Flag.NONE
    app: tuple[str, str] | None = None


_NONE, _TRANSIENT, _PERMANENT = Flag.NONE, Flag.TRANSIENT, Flag.PERMANENT
_STALE, _BLOCKS = Flag.STALE_CODE, Flag.BLOCKS_DEVICE_CODE
_AGAIN = "{setup}"
LINK_AGAIN = "run {setup} again and use the new link within ten minutes"
_OTHER_ACCOUNT = "sign in with an account of that tenant: {setup_other}"
_ADMIN = "ask your administrator"
_ADMIN_DEVICE = "sign in in a browser on a managed device: {setup}; else ask your administrator"
_ASSERTION = "compare issuer, subject and audience of the app's federated credentials with those of the token"

CASES: dict[int, Case] = {}


def _add(codes: str, cause: str, hint: str, flags: Flag = _NONE, app: tuple[str, str] | None = None) -> None:
    CASES.update(dict.fromkeys(map(int, codes.split()), Case(cause, hint, flags, app)))


# Multifactor authentication, Conditional Access, risk
_add("50076 50074", "{tenant} requires multifactor authentication for {who}", _AGAIN)
_add("50079 50072", "{who} must register for multifactor authentication in {tenant}", _AGAIN)
_add("50078", "the multifactor authentication of {who} has expired in {tenant}", _AGAIN)
_add(
    "53000 53001 530032 530033 50005 50097 50129",
    "{tenant} requires a managed (compliant) device",
    _ADMIN_DEVICE,
    _BLOCKS,
)
_add("53002", "{tenant} requires an approved app, and this one is not", _ADMIN, _BLOCKS)
_add(
    "53003 530035",
    "the Conditional Access policies of {tenant} block {who} here",
    _ADMIN_DEVICE,
    _BLOCKS,
    ("the Conditional Access policies of {tenant} block {who} here", _ADMIN),
)
_add(
    "50131",
    "the Conditional Access policies of {tenant} block {who} here (the device's state, the network or suspicious activity)",
    _ADMIN_DEVICE,
    _BLOCKS,
)
_add(
    "53011 530034",
    "{who} is blocked because of a risk that their home tenant has detected",
    "ask the administrator of the account's own tenant",
)
# Consent and apps
_add("65001", "{who} has not consented to this app in {tenant}", _AGAIN)
_add(
    "90094 90095",
    "an administrator of {tenant} must approve this app",
    "ask your administrator, then run {setup}",
)
_add("65004", "the sign-in was declined", "run the same command again")
_add(
    "65002 650057 650052",
    "this app is not authorized to request Azure DevOps tokens",
    "leave --client-id out, or give the app the permission Azure DevOps / user_impersonation",
)
_add(
    "700016 70001 700011",
    "the client id is not known in {tenant}",
    "check --client-id and --tenant",
    app=("{who} is not known in {tenant}", "check the client id and the tenant: {setup}"),
)
_add(
    "500011",
    "{tenant} has no Azure DevOps",
    "give the organization's own tenant: {setup_tenant}",
    app=("{tenant} has no Azure DevOps", "check the tenant: {setup}"),
)
_add(
    "50194 90130",
    "this client id does not support this kind of account",
    "give the tenant: {setup_tenant}",
)
_add("9002332", "this client id does not support this kind of account in the tenant that was named", _AGAIN)
_add("50105", "{who} is not assigned to this app in {tenant}", _ADMIN)
_add(
    "70003 70005 9002325",
    "this client id is not registered for this way to sign in",
    "leave --client-id out, or check how it is registered",
)
_add(
    "7000112 7000229 700081",
    "the app is disabled, or not installed, in {tenant}",
    "ask an administrator of the tenant to enable the app",
    app=("{who} is not known in {tenant}, or disabled there", "check the client id and the tenant: {setup}"),
)
# The account
_add("50020 90072 50034", "{who} is not a member or guest of {tenant}", _OTHER_ACCOUNT)
_add("500200 50177", "{tenant} does not allow personal Microsoft accounts", _OTHER_ACCOUNT)
_add("50053 50057", "the account {who} is locked or disabled in {tenant}", _ADMIN)
_add(
    "500341",
    "the account {who} was deleted from {tenant}",
    "ask your administrator, or sign in with another account: {setup_other}",
    _PERMANENT,
)
_add("50055 50144", "the password of {who} has expired", "change it in a browser, then run {setup}")
_add("50126", "the name or the password is wrong", _AGAIN)
# The sign-in and its refresh token
_add("70008", "the sign-in of {who} has expired", _AGAIN, _PERMANENT | _STALE)
_add("700082 700084", "the sign-in of {who} has expired", _AGAIN, _PERMANENT)
_add("70043 70044", "{tenant} requires {who} to sign in again from time to time", _AGAIN, _PERMANENT)
_add(
    "50173 50133 500133",
    "the sign-in of {who} was revoked (a changed password, or an administrator)",
    _AGAIN,
    _PERMANENT,
)
_add("70000", "the sign-in of {who} is no longer valid", _AGAIN, _PERMANENT | _STALE)
_add("50089 50058 50132 70002", "the sign-in of {who} is no longer valid", _AGAIN, _PERMANENT)
_add(
    "530036",
    "{tenant} no longer accepts a sign-in that was made by device code",
    "sign in with a browser: {setup}",
    _PERMANENT,
)
_add("700003", "the device that {who} signed in on is no longer registered in {tenant}", _AGAIN, _PERMANENT)
_add("50199 50140", "{tenant} requires {who} to confirm the sign-in in a browser", _AGAIN)
# The authorization request and its code
_add("54005", "this code was used before", LINK_AGAIN, _STALE)
_add("501481 50148 500112", "this code belongs to another attempt to sign in", LINK_AGAIN, _STALE)
_add("700005", "this code was issued for another tenant", LINK_AGAIN, _STALE)
_add("9002313", "the request was malformed", LINK_AGAIN, _STALE)
_add("900144 90014", "the request was malformed", LINK_AGAIN)
_add("50011", "the redirect URI is not registered for this client id", "check --redirect-uri and --client-id")
_add("500119", "the redirect URI is of a kind that is no longer allowed", "check --redirect-uri")
_add("70011 500131", "this client id may not request this scope", "check --scope")
_add("700022 28000", "the scope names more than one service", "check --scope")
# The device code
_add("70016", "the code has not been entered yet", "enter it on the page shown")
_add("70018 90119", "the code that was entered is not the one shown", _AGAIN)
_add("70019", "the code was not entered in time", _AGAIN)
_add("90120", "the code was entered before", _AGAIN)
# Secrets, certificates, federated credentials
_add("700025", "this client id is a public one and must not send a secret", "leave the client secret out")
_add(
    "7000218",
    "this client id needs a secret",
    "use a client id that is registered for mobile and desktop apps",
)
_add(
    "7000215",
    "the client secret is wrong",
    "check the client secret: its value, not its id",
    app=("the client secret is not the one of {who} (it is the secret's value, not its id)", _AGAIN),
)
_add(
    "7000222",
    "the client secret has expired",
    "make a new client secret in the app's registration",
    app=("the client secret of {who} has expired", "make a new one in the app's registration, then {setup}"),
)
_add(
    "9001023",
    "an app's own identity belongs to one tenant, and none is named",
    "give the tenant: --tenant TENANT",
    app=("{who} belongs to one tenant, and none is named", "give its id: {setup}"),
)
_add(
    "700027 700021 700023",
    "the client assertion does not match the app registration",
    "check the certificate, the client id and --tenant",
    app=(
        "the certificate is not registered for {who}, or has expired",
        "upload the certificate to the app's registration, or {setup}",
    ),
)
_add(
    "700024",
    "the client assertion is not valid at this time",
    "check this machine's clock, and the token's age",
)
_add(
    "70021 70025 700211 700212 700213",
    "the app has no federated credential for this token: its issuer, subject or audience is not registered",
    _ASSERTION,
    app=("no federated credential of {who} fits the token", _ASSERTION),
)
# The tenant and the service
_add(
    "90002 50128 900023",
    "{tenant} does not exist",
    "check --tenant",
    app=("{tenant} does not exist", "check the tenant: {setup}"),
)
_add(
    "90038",
    "{tenant} is in a national cloud",
    "give its authority, for example --authority https://login.microsoftonline.us/TENANT",
)
_add("90055 90033 90006", "Microsoft's sign-in service is busy", "try again in a minute", _TRANSIENT)
_add(
    "50196",
    "Microsoft's sign-in service stopped a loop of identical requests",
    "wait some minutes, then try again",
    _TRANSIENT,
)

_SIGN_IN_AGAIN = Case("{tenant} requires {who} to sign in again", _AGAIN)
BY_ERROR = {
    "invalid_grant": CASES[70000],
    "interaction_required": _SIGN_IN_AGAIN,
    "login_required": _SIGN_IN_AGAIN,
    "consent_required": CASES[65001],
    "access_denied": CASES[65004],
    "authorization_declined": CASES[65004],
    "expired_token": CASES[70019],
    "invalid_client": Case("the client id or its secret was refused", "check --client-id"),
    "unauthorized_client": CASES[70003],
    "invalid_scope": CASES[70011],
    "invalid_resource": CASES[500011],
    "temporarily_unavailable": CASES[90033],
    "server_error": CASES[90033],
}
BY_SUBERROR = {
    "consent_required": CASES[65001],
    "protection_policy_required": CASES[53000],
    "device_authentication_failed": CASES[53000],
    "client_mismatch": Case("the sign-in was made with another client id", _AGAIN),
}
UNKNOWN = Case("the sign-in server refused {who}", _AGAIN)
