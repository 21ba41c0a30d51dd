"""What a message is about: an Azure DevOps organization, or a server of one's own, or nothing of ours.

Pure. Host names are compared whole, never by ending or pattern beyond the two that Microsoft documents, since a
look-alike host must never see a token. URL shapes: "Hosts and URL shapes" in Microsoft's git documentation
(https://learn.microsoft.com/azure/devops/repos/git/); git percent-decodes the path before it sends it and trims
its slashes (git: credential.c, credential_from_url_gently).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from git_credential_azdo.git.wire import Message

SERVICES_HOST = "dev.azure.com"
SERVICES_ADDRESS = f"https://{SERVICES_HOST}"
LEGACY_SUFFIX = ".visualstudio.com"
LOGIN_HOSTS = frozenset(
    (
        "login.microsoftonline.com",
        "login.windows.net",
        "login.microsoftonline.us",
        "login.partner.microsoftonline.cn",
        "login.chinacloudapi.cn",
    ),
)
NIL_TENANT = "00000000-0000-0000-0000-000000000000"
"""What Azure DevOps names as the tenant of an organization of personal Microsoft accounts."""

_DEFAULT_PORTS = {"https": "443", "http": "80"}
# Hosts of Microsoft's own services beside the organizations' (https://learn.microsoft.com/azure/devops/
# organizations/security/allow-list-ip-url): no organization can have these names.
_NOT_ORGANIZATIONS = frozenset(
    ("app", "marketplace", "pkgs", "vs-ssh", "vsaex", "vsrm", "vssps", "www"),
)


class Remote:
    """The organization or server that a message is about.

    ``services``      whether this is Azure DevOps Services (else: some other server)
    ``protocol``      ``https`` or ``http``
    ``host``          lower case, without the default port; ``dev.azure.com`` for both spellings of Services
    ``organization``  lower case, or None when the message does not tell: its name on dev.azure.com, its whole
                      address on another host of Services (``https://dev.azure.us/contoso``)
    ``repository``    ``organization/project/repository`` in lower case, or None
    ``path``          as git sent it, or None
    ``user``          the user in the request as git sent it (may be empty), or None
    """

    __slots__ = ("host", "organization", "path", "protocol", "repository", "services", "user")

    def __init__(
        self,
        protocol: str,
        host: str,
        *,
        services: bool = False,
        organization: str | None = None,
        repository: str | None = None,
        path: str | None = None,
        user: str | None = None,
    ) -> None:
        self.services = services
        self.protocol = protocol
        self.host = host
        self.organization = organization
        self.repository = repository
        self.path = path
        self.user = user

    @property
    def address(self) -> str:
        """Scheme and host, as in ``https://example.com:8443``: what a registered server is known by."""
        return f"{self.protocol}://{self.host}"


def remote_of(message: Message, services_hosts: Collection[str] = ()) -> Remote | None:
    """Say what ``message`` is about; None when it names no web host. Whether a server is ours, the registry knows.

    ``services_hosts`` are further hosts of Azure DevOps Services, as a sovereign cloud has; none is known here.
    """
    protocol = (message.get("protocol") or "").lower()
    spelled = message.get("host") or ""
    host = spelled.lower()
    if protocol not in _DEFAULT_PORTS or not host:
        return None
    host = host.removesuffix(":" + _DEFAULT_PORTS[protocol])
    path = message.get("path")
    user = message.get("username")
    segments = [segment for segment in (path or "").split("/") if segment]
    services_host = SERVICES_HOST
    if host == SERVICES_HOST or host in services_hosts:
        services_host = host
        organization = segments.pop(0).lower() if segments and not segments[0].startswith("_") else None
        organization = named_organization(host, organization) if organization else None
    elif spelled.isascii() and host.endswith(LEGACY_SUFFIX) and _may_be_organization(host):
        organization = host.removesuffix(LEGACY_SUFFIX)
    else:
        return Remote(protocol, host, path=path, user=user)
    return Remote(
        protocol,
        services_host,
        services=True,
        organization=organization,
        repository=_repository(organization, segments) if organization else None,
        path=path,
        user=user,
    )


def named_organization(host: str, name: str) -> str:
    """Return what we call the organization ``name`` of a host of Services."""
    return name if host == SERVICES_HOST else f"https://{host}/{name}"


def address_of(organization: str) -> str:
    """Return the address of an organization, or of a server's collection, from what we call it."""
    return organization if "://" in organization else f"{SERVICES_ADDRESS}/{organization}"


def _may_be_organization(host: str) -> bool:
    label = host.removesuffix(LEGACY_SUFFIX)
    return label.replace("-", "").isalnum() and label not in _NOT_ORGANIZATIONS


def _repository(organization: str, segments: list[str]) -> str | None:
    """Read ``[DefaultCollection/][project/]_git/[_optimized|_full/]repository[/info/lfs...]``."""
    words = [unquote(segment).lower() for segment in segments]
    if words and words[0] == "defaultcollection":
        del words[0]
    words = [word for word in words if word not in {"_optimized", "_full"}]
    if "_git" not in words[:-1]:
        return None
    at = words.index("_git")
    repository = words[at + 1].removesuffix(".git")  # git-lfs asks for repository.git/info/lfs
    project = words[0] if at else repository
    return f"{organization}/{project}/{repository}"


def unquote(segment: str) -> str:
    """Percent-decode once: git has decoded already, git-lfs has not; both must mean the same repository."""
    if "%" not in segment:
        return segment
    head, *rest = segment.encode("utf-8", "surrogateescape").split(b"%")
    decoded = [head]
    for part in rest:
        escape = part[:2]
        if len(escape) == 2 and all(byte in b"0123456789abcdefABCDEF" for byte in escape):  # noqa: PLR2004 - %XX
            decoded.append(bytes((int(escape, 16),)) + part[2:])
        else:
            decoded.append(b"%" + part)
    return b"".join(decoded).decode("utf-8", "surrogateescape")


def tenant_in(challenges: Iterable[str]) -> str | None:
    """Return the tenant that the server's ``WWW-Authenticate`` headers name, lower case.

    It counts only as a GUID on a login host of Microsoft's: the header comes from whoever answered
    (https://learn.microsoft.com/entra/identity-platform/claims-challenge describes the header).
    """
    for challenge in challenges:
        scheme, _, parameters = challenge.partition(" ")
        if scheme.lower() != "bearer":
            continue
        _, found, value = parameters.partition("authorization_uri=")
        if found:
            value = value[1:].partition('"')[0] if value.startswith('"') else value.partition(",")[0]
            tenant = _tenant_of_authority(value.strip())
            if tenant:
                return tenant
    return None


def _tenant_of_authority(url: str) -> str | None:
    scheme, _, rest = url.lower().partition("://")
    host, _, path = rest.partition("/")
    tenant = path.partition("/")[0]
    if scheme == "https" and host in LOGIN_HOSTS and is_tenant(tenant):
        return tenant
    return None


def is_tenant(text: str) -> bool:
    """Say whether ``text`` is the GUID of an Entra tenant (lower case; the nil GUID is none)."""
    groups = text.split("-")
    return (
        [len(group) for group in groups] == [8, 4, 4, 4, 12]
        and all(character in "0123456789abcdef" for group in groups for character in group)
        and text != NIL_TENANT
    )
