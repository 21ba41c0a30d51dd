"""What each refusal of Microsoft Entra means to a person, and what to do about it. A table, nothing else.

Codes: Microsoft's "Microsoft Entra authentication & authorization error codes" (AADSTS). ``entra.sign_in_error``
fills in the braces: {who} the person, {tenant} the tenant, {setup} the command that signs this person in again,
{setup_other} the same for another person, {setup_tenant} the same with a tenant to give.
"""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """What a refusal means: ``cause`` becomes the message, ``hint`` the next step."""

    cause: str
    hint: str


_AGAIN = "{setup}"
_LINK_AGAIN = "run {setup} again and use the new link within ten minutes"
_OTHER_ACCOUNT = "sign in with an account of that tenant: {setup_other}"
_ADMIN_DEVICE = "sign in in a browser on a managed device: {setup}; else ask your administrator"

CASES: dict[int, Case] = {}


def _add(codes: str, cause: str, hint: str) -> None:
    CASES.update(dict.fromkeys(map(int, codes.split()), Case(cause, hint)))


_add("50076 50074", "{tenant} asks {who} for a second factor", _AGAIN)
_add("50079 50072", "{who} must first enrol for a second factor in {tenant}", _AGAIN)
_add("50078", "the second factor of {who} has expired in {tenant}", _AGAIN)
_add(
    "53000 53001 530032 530033 50005 50097 50129",
    "{tenant} admits {who} only from a device that it manages",
    _ADMIN_DEVICE,
)
_add(
    "53002",
    "{tenant} does not allow this program under its Conditional Access rules",
    "ask your administrator",
)
_add("53003 530035", "the Conditional Access rules of {tenant} block {who} here", _ADMIN_DEVICE)
_add("65001", "{who} has not consented to this program in {tenant}", _AGAIN)
_add(
    "90094 90095",
    "an administrator of {tenant} must approve this program",
    "ask your administrator, then run {setup}",
)
_add("65004", "{who} declined in the browser", _AGAIN)
_add(
    "65002 650057 650052",
    "this client id may not ask for Azure DevOps",
    "leave --client-id out, or give the app the permission Azure DevOps / user_impersonation",
)
_add(
    "700016 70001 700011",
    "the client id is not known in {tenant}",
    "check --client-id and --tenant",
)
_add("500011", "{tenant} has no Azure DevOps", "give the organization's own tenant: {setup_tenant}")
_add("50020 90072 50034", "{who} is no member or guest of {tenant}", _OTHER_ACCOUNT)
_add("500200 50177", "{tenant} does not admit personal Microsoft accounts", _OTHER_ACCOUNT)
_add(
    "50194 90130 9002332",
    "this client id cannot be used with every kind of account",
    "give the tenant: {setup_tenant}",
)
_add("70008 700082", "the sign-in of {who} has expired", _AGAIN)
_add("70043 70044", "{tenant} wants {who} to sign in again from time to time", _AGAIN)
_add(
    "50173 50133 500133", "the sign-in of {who} was revoked (a changed password, or an administrator)", _AGAIN
)
_add("50089 70000 50058 50132 70002", "the sign-in of {who} is no longer valid", _AGAIN)
_add("50053 50057", "the account {who} is locked or disabled in {tenant}", "ask your administrator")
_add("50105", "{who} is not assigned to this program in {tenant}", "ask your administrator")
_add("50055 50144", "the password of {who} has expired", "change it in a browser, then run {setup}")
_add("50126", "the name or the password was wrong", _AGAIN)
_add("50199 50140", "{tenant} wants {who} to confirm the sign-in in a browser", _AGAIN)
_add("54005", "this code was used before", _LINK_AGAIN)
_add("501481 50148 500112", "this code belongs to another attempt to sign in", _LINK_AGAIN)
_add(
    "50011",
    "the redirect address is not registered for this client id",
    "check --redirect-uri and --client-id",
)
_add("70011 500131", "the scope is not one that this client id may ask for", "check --scope")
_add("700005", "this code was given for another tenant", _LINK_AGAIN)
_add("700022 28000", "the scope asks for more than one service", "check --scope")
_add(
    "70003 70005 9002325",
    "this client id may not sign in this way",
    "leave --client-id out, or check how it is registered",
)
_add("9002313 900144 90014", "the request was malformed", _LINK_AGAIN)
_add("500119", "the redirect address is of a kind that is no longer allowed", "check --redirect-uri")
_add("70016", "the code has not been entered yet", "enter it on the page shown")
_add("70018 90119", "the code that was entered is not the one shown", _AGAIN)
_add("70019", "the code was not entered in time", _AGAIN)
_add("90120", "the code was answered before", _AGAIN)
_add("700025", "this client id is a public one and must not send a secret", "leave the client secret out")
_add(
    "7000218",
    "this client id needs a secret",
    "use a client id that is registered for mobile and desktop programs",
)
_add("7000215", "the client secret is wrong", "check the client secret: its value, not its id")
_add("7000222", "the client secret has expired", "make a new client secret in the app's registration")
_add(
    "9001023",
    "a program's own identity belongs to one tenant, and none is named",
    "give the tenant: --tenant TENANT",
)
_add(
    "700027 700021 700023",
    "the proof of the program's identity is not one that its registration knows",
    "check the certificate, the client id and --tenant",
)
_add("700024", "the proof of the program's identity is too old or too new", "check this machine's clock")
_add(
    "70021 700211 700212 700213",
    "the app does not trust this job's own token: its issuer, subject or audience is not registered",
    "add a federated credential with exactly these to the app's registration",
)
_add(
    "7000112 7000229 700081",
    "the app is switched off, or absent, in {tenant}",
    "ask an administrator of the tenant to admit the app",
)
_add("90002 50128", "{tenant} does not exist", "check --tenant")
_add(
    "90038",
    "{tenant} is in a national cloud",
    "give its authority, for example --authority https://login.microsoftonline.us/TENANT",
)
_add("90055 90033 90006", "Microsoft's sign-in service is busy", "try again in a minute")

BY_ERROR = {
    "invalid_grant": CASES[70000],
    "interaction_required": Case("{tenant} wants {who} to sign in again", _AGAIN),
    "login_required": Case("{tenant} wants {who} to sign in again", _AGAIN),
    "consent_required": CASES[65001],
    "access_denied": CASES[65004],
    "authorization_declined": CASES[65004],
    "expired_token": CASES[70019],
    "invalid_client": Case("the client id or its secret was refused", "check --client-id"),
    "unauthorized_client": Case("this client id may not sign in this way", "check --client-id"),
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
