"""The ways in which Azure DevOps says no: status, headers in the recorded order, bodies.

Sources: published recordings (coder #12351, curl #13899, gitlens #5890, live probes of third parties), kept in
``examples.json``. ``X-TFS-FedAuthRedirect: Suppress`` turns the redirect and the 203 page into a 401.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.emulator.access import ANONYMOUS, Refusal
from tests.emulator.messages import Headers, Response, html_response, json_response, redirect
from tests.emulator.model import NO_TENANT, guid

if TYPE_CHECKING:
    from tests.emulator.access import Visit
    from tests.emulator.messages import Request
    from tests.emulator.model import Organization

FRAMEWORK = "Microsoft.TeamFoundation.Framework.Server"
CONDITIONAL_ACCESS = (
    "VS403463: The conditional access policy defined by your Azure Active Directory administrator has failed."
)
_SIGN_IN = "<html><head><title>Azure DevOps Services | Sign In</title></head><body><p>Sign in</p><!--{}--></body></html>"
SIGN_IN_PAGE = _SIGN_IN.format("." * 16000)


def vss(type_key: str, message: str, namespace: str = FRAMEWORK) -> dict[str, Any]:
    """Build the JSON body of an Azure DevOps error."""
    return {
        "$id": "1",
        "innerException": None,
        "message": message,
        "typeName": f"{namespace}.{type_key}, {namespace}",
        "typeKey": type_key,
        "errorCode": 0,
        "eventId": 3000,
    }


def challenges(organization: Organization) -> Headers:
    """Give the challenges of an organization. Those of a personal one were recorded in lower case."""
    if organization.tenant == NO_TENANT:
        return [("www-authenticate", f'Basic realm="{organization.realm}"'), ("www-authenticate", "Bearer")]
    return [
        (
            "WWW-Authenticate",
            f"Bearer authorization_uri=https://login.microsoftonline.com/{organization.tenant}",
        ),
        ("WWW-Authenticate", f'Basic realm="{organization.realm}"'),
        ("WWW-Authenticate", "TFS-Federated"),
    ]


def trace() -> Headers:
    """Give the headers by which Microsoft finds a request again."""
    return [
        ("X-TFS-ProcessId", str(uuid.uuid4())),
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
        ("ActivityId", str(uuid.uuid4())),
        ("X-TFS-Session", str(uuid.uuid4())),
        ("X-VSS-E2EID", str(uuid.uuid4())),
        ("X-VSS-SenderDeploymentId", guid("deployment")),
    ]


def tenant_headers(organization: Organization) -> Headers:
    """Give the two headers that name an organization's tenant."""
    pairs = [
        ("X-VSS-AuthorizationEndpoint", f"https://vssps.dev.azure.com/{organization.name}/"),
        ("X-VSS-ResourceTenant", organization.tenant),
    ]
    if organization.tenant == NO_TENANT:
        return [(name.lower(), value) for name, value in pairs]
    return pairs


def unauthenticated_headers(organization: Organization) -> Headers:
    """Give the whole set of an answer to a request without a credential."""
    middle = [] if organization.tenant == NO_TENANT else trace()
    return [*challenges(organization), *middle, *tenant_headers(organization)]


def _service_error(message: str) -> Headers:
    fault = (
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope">'
        f"<soap:Body><soap:Fault><soap:Code><soap:Value>soap:Receiver</soap:Value></soap:Code><soap:Reason>"
        f'<soap:Text xml:lang="en">{message}</soap:Text></soap:Reason></soap:Fault></soap:Body></soap:Envelope>'
    )
    return [("X-TFS-ServiceError", quote(message, safe="")), ("X-TFS-SoapException", quote(fault, safe=""))]


def _not_authorized(identity: str) -> str:
    return f"TF400813: The user '{identity}' is not authorized to access this resource."


def _not_materialized(identity: str) -> str:
    return (
        f"Identity {identity} has not been materialized, please use interactive login over the browser first."
    )


def git(why: Refusal, visit: Visit) -> Response:
    """Refuse a git request. Conditional Access answers a 403 page here, which git does not report to helpers."""
    if why is Refusal.NO_CREDENTIAL:
        return Response(401, unauthenticated_headers(visit.organization))
    if why is Refusal.CONDITIONAL_ACCESS:
        return html_response(403, f"<html><body><p>{CONDITIONAL_ACCESS}</p></body></html>", trace())
    message = _not_authorized(ANONYMOUS)
    if why is Refusal.NO_ACCESS:
        message = _not_authorized(visit.identity)
    elif why is Refusal.NOT_MATERIALIZED:
        message = _not_materialized(visit.identity)
    headers = [*challenges(visit.organization), *_service_error(message), *tenant_headers(visit.organization)]
    return Response(401, headers)


def rest(why: Refusal, visit: Visit) -> Response:
    """Refuse a REST request or a page."""
    suppress = suppressed(visit.request)
    if why in {Refusal.NO_CREDENTIAL, Refusal.UNKNOWN} and suppress:
        text = "TF400813: Resource not available for anonymous access. Client authentication required."
        return json_response(
            401, vss("UnauthorizedRequestException", text), unauthenticated_headers(visit.organization)
        )
    if why is Refusal.NO_CREDENTIAL:
        return sign_in_redirect(visit.request, visit.organization)
    if why is Refusal.UNKNOWN:
        # Both a 302 and a 203 were recorded for REST; which comes when is an inference.
        return sign_in_page()
    if why is Refusal.CONDITIONAL_ACCESS:
        body = vss("VssServiceException", CONDITIONAL_ACCESS, "Microsoft.VisualStudio.Services.Common")
        return json_response(401, body, trace())
    if why is Refusal.NOT_MATERIALIZED:
        message = _not_materialized(visit.identity)
        return json_response(401, vss("AadUserStateException", message), trace())
    if why is Refusal.PAT or visit.caller.travels == "basic":
        return bare(visit.organization.realm)
    if why is Refusal.IDENTITY:
        return bearer(
            "InvalidIdentityException", "TF400813: The user is not authorized to access this resource. "
        )
    return bearer("UnauthorizedRequestException", _not_authorized(visit.identity))


def suppressed(request: Request) -> bool:
    """Tell whether the client asked not to be sent to a sign-in page."""
    return (request.header("X-TFS-FedAuthRedirect") or "").lower() == "suppress"


def sign_in_page() -> Response:
    """Show the sign-in page in place of an answer, as a success."""
    return html_response(203, SIGN_IN_PAGE, [("X-Content-Type-Options", "nosniff")])


def rest_everywhere(why: Refusal, request: Request) -> Response:
    """Refuse a REST request on a host that belongs to no organization."""
    if why is Refusal.IDENTITY:
        return bearer(
            "InvalidIdentityException", "TF400813: The user is not authorized to access this resource. "
        )
    return bare(f"https://{request.host}/")


def bare(realm: str) -> Response:
    """Build the 401 that is the same, byte by byte, for an expired, a revoked and a too narrow PAT."""
    return Response(401, [("WWW-Authenticate", f'Basic realm="{realm}"')])


def bearer(type_key: str, message: str) -> Response:
    """Build the 401 for a Bearer token that is not accepted; its body begins with a byte order mark."""
    headers = [("WWW-Authenticate", "Bearer"), ("X-TFS-ServiceError", quote(message, safe=""))]
    return json_response(401, vss(type_key, message), headers, bom=True)


def sign_in_redirect(request: Request, organization: Organization) -> Response:
    """Send the client to the sign-in page, as a browser without a session is."""
    query = f"realm={request.host}&reply_to={quote(request.url, safe='')}&redirect=1&hid={organization.id}"
    context = quote(f"eyJ{guid('context')}", safe="")
    location = f"https://spsprod{organization.region}.vssps.visualstudio.com/_signin?{query}&context={context}#ctx={context}"
    return redirect(location, tenant_headers(organization))


def repository_not_found(name: str, visit: Visit) -> Response:
    """Say that a repository is not there, or that the caller may not know of it: the same words for both."""
    message = (
        f"TF401019: The Git repository with name or identifier {name} does not exist or you do not have "
        "permissions for the operation you are attempting."
    )
    body = vss("GitRepositoryNotFoundException", message, "Microsoft.TeamFoundation.Git.Server")
    return json_response(404, body, user_data(visit))


def user_data(visit: Visit) -> Headers:
    """Name the caller, as answers to a known caller do."""
    account = visit.caller.person.name if visit.caller.person else "anonymous"
    return [("X-VSS-UserData", f"{visit.identity}:{account}")]
