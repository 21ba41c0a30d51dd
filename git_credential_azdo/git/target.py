"""The target of a message: an organization of Azure DevOps, another server, or none. Pure.

The only place where untrusted text becomes an organization's name or an address; a name must never become an address.
Apart from the two forms that Microsoft documents (https://learn.microsoft.com/azure/devops/repos/git/), host names must
be equal: a look-alike host must never get a token.

Also the only list of Microsoft's hosts to which a token or a sign-in may be sent; others come only from the user (a
registered server, an authority given to ``setup``). Must never list a host that Microsoft does not document: "Allowed
IP addresses and domain URLs" (https://learn.microsoft.com/azure/devops/organizations/security/allow-list-ip-url) and
"National clouds" (https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from git_credential_azdo.git.protocol import Message

SERVICES_HOST = "dev.azure.com"
LEGACY_SUFFIX = ".visualstudio.com"
PROFILE_HOST = "app.vssps.visualstudio.com"
PATS_HOST = "vssps.dev.azure.com"
CLOUDS = (
    ("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"),
    ("login.microsoftonline.us",),
    ("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
)
"""The Entra login hosts of each Microsoft cloud, first the host of the issuer in the cloud's OpenID configuration."""
LOGIN_HOSTS = frozenset(host for cloud in CLOUDS for host in cloud)
SERVICES_ADDRESS = f"https://{SERVICES_HOST}"
MSA_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of personal Microsoft accounts; it issues no token for Azure DevOps."""
MSA_TRANSFER_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
"""The tenant that issues tokens for Azure DevOps to personal Microsoft accounts."""
NIL_TENANT = "00000000-0000-0000-0000-000000000000"
"""The tenant that Azure DevOps reports for an organization of personal Microsoft accounts."""

LONGEST_ORGANIZATION = 50
DEFAULT_PORTS = {"https": "443", "http": "80"}
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_NOT_ORGANIZATIONS = ("app", "marketplace", "pkgs", "vs-ssh", "vsaex", "vsrm", "vssps", "www")
"""Labels before LEGACY_SUFFIX that belong to Microsoft's own services: no organization can have these names."""


def microsoft() -> frozenset[str]:
    """Return the https origins of Entra and of Azure DevOps Services, such as ``https://dev.azure.com``."""
    return frozenset(f"https://{host}" for host in (*LOGIN_HOSTS, SERVICES_HOST, PROFILE_HOST, PATS_HOST))


def origin(url: str) -> str:
    """Return the origin of a URL (RFC 6454) without the default port; empty if it has none, a user, or a space."""
    from urllib.parse import urlsplit  # noqa: PLC0415 - only needed for a request

    if not url.isprintable() or "\\" in url or " " in url:
        return ""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    usual = DEFAULT_PORTS.get(parts.scheme)
    if not host or usual is None or "@" in parts.netloc:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port in {None, int(usual)} else f":{port}")


class Organization(str):
    """The name of an organization of Azure DevOps Services, in lower case. Raise ValueError for other text.

    Rules: https://learn.microsoft.com/azure/devops/organizations/settings/naming-restrictions.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Organization:  # noqa: PYI034, D102 - Self is newer than 3.10; see the class
        if not _is_name(text):
            raise ValueError("not the name of an organization")
        return super().__new__(cls, text.lower())

    @classmethod
    def read(cls, text: str) -> Organization | None:
        """Return the organization with this name; None for other text."""
        return cls(text) if _is_name(text) else None

    @property
    def url(self) -> str:
        """The URL: a constant host and the name."""
        return f"{SERVICES_ADDRESS}/{self}"


class Collection(str):
    """A collection of Azure DevOps Server, or an organization of another cloud: its full URL, the path in lower case.

    For example ``https://tfs.example.com:8443/defaultcollection``. Raise ValueError if no registered address begins it.
    """

    __slots__ = ()

    def __new__(  # noqa: PYI034, D102 - Self is newer than 3.10; see the class
        cls, address: str, path: str, registered: Container[str]
    ) -> Collection:
        if address not in registered:
            raise ValueError("not below a registered address")
        return super().__new__(cls, f"{address}/{path.lower()}")

    @classmethod
    def read(cls, text: str, registered: Iterable[str]) -> Collection | None:
        """Return the collection with this full URL; None for one that is not below a registered address."""
        address = next((each for each in registered if text.startswith(f"{each}/")), None)
        return cls(address, text[len(address) + 1 :], (address,)) if address else None

    @property
    def address(self) -> str:
        """Scheme, host and port, as registered."""
        scheme, _, rest = self.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}"

    @property
    def url(self) -> str:
        """The URL, percent-encoded."""
        from urllib.parse import quote  # noqa: PLC0415 - only needed for a request

        return f"{self.address}/{quote(self[len(self.address) + 1 :], errors='surrogateescape')}"


AnyOrganization = Organization | Collection


def _is_name(text: str) -> bool:
    # ASCII is checked before lower(), which turns the Kelvin sign into a k.
    if not (0 < len(text) <= LONGEST_ORGANIZATION and text.isascii()):
        return False
    name = text.lower()
    return _LETTERS.issuperset(name.replace("-", "")) and name[0] != "-" != name[-1]


class Target:
    """The organization or server of a message.

    ``services``      whether it is Azure DevOps Services, not another server
    ``protocol``      ``https`` or ``http``
    ``host``          lower case, without the default port; ``dev.azure.com`` for both URL forms of Services
    ``organization``  an Organization on dev.azure.com, a Collection on another host of Services
                      (``https://dev.azure.us/contoso``), None when the message does not name one
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
        organization: AnyOrganization | None = None,
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
        """Scheme, host and port, such as ``https://example.com:8443``: the key of a registered server."""
        return f"{self.protocol}://{self.host}"


def target_of(message: Message, services_hosts: Container[str] = ()) -> Target | None:
    """Return the target of ``message``; None when it names no web host.

    ``services_hosts``: further hosts of Azure DevOps Services, such as those of sovereign clouds.
    """
    protocol = (message.get("protocol") or "").lower()
    host = _host(message.get("host") or "", protocol)
    if not host:
        return None
    path = message.get("path")
    user = message.get("username")
    segments = [segment for segment in (path or "").split("/") if segment]
    legacy = host.removesuffix(LEGACY_SUFFIX)
    if host == SERVICES_HOST or host in services_hosts:
        organization = named_organization(host, segments[0], services_hosts) if segments else None
        del segments[:1]
    elif legacy != host and legacy not in _NOT_ORGANIZATIONS and (named := Organization.read(legacy)):
        organization, host = named, SERVICES_HOST
    else:
        return Target(protocol, host, path=path, user=user)
    return Target(
        protocol,
        host,
        services=True,
        organization=organization,
        repository=_repository(organization, segments) if organization else None,
        path=path,
        user=user,
    )


def named_organization(host: str, name: str, services_hosts: Container[str] = ()) -> AnyOrganization | None:
    """Return the organization with this name on a host of Services; None for text that is not a name."""
    organization, address = Organization.read(name), f"https://{host}"
    if organization is None or host == SERVICES_HOST:
        return organization
    return Collection(address, organization, (address,)) if host in services_hosts else None


def _host(spelled: str, protocol: str) -> str:
    """Return the host and its port in lower case, without the default port; empty for text that is not a web host.

    At most one port, and ASCII only: registered hosts are ASCII, and lower() turns the Kelvin sign into a k.
    """
    if protocol not in DEFAULT_PORTS or not spelled.isascii() or not spelled.isprintable() or " " in spelled:
        return ""
    is_literal = spelled.startswith("[")
    name, bracket, rest = spelled.lower().partition("]") if is_literal else ("", "", spelled.lower())
    bare, colon, port = rest.partition(":")
    if (colon and not port.isdigit()) or (bracket and bare):
        return ""
    host = f"{name}{bracket}{bare}"
    return host if port in {"", DEFAULT_PORTS[protocol]} else f"{host}:{port}"


def _repository(organization: AnyOrganization, segments: list[str]) -> str | None:
    """Return the repository of ``[DefaultCollection/][project/]_git/[_optimized|_full/]repository[/info/lfs...]``, or None."""
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
    """Return a segment percent-decoded once: git has already decoded it, git-lfs has not."""
    if "%" not in segment:
        return segment
    from urllib.parse import unquote_to_bytes  # noqa: PLC0415 - hardly ever

    return unquote_to_bytes(segment.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def tenant_in(challenges: Iterable[str]) -> str | None:
    """Return the tenant in ``WWW-Authenticate`` headers, a GUID in lower case, or None.

    Only a tenant at a Microsoft login host counts: any server can send the header.
    """
    for challenge in challenges:
        scheme, _, parameters = challenge.partition(" ")
        if scheme.lower() != "bearer":
            continue
        value = parameters.partition("authorization_uri=")[2]
        value = value[1:].partition('"')[0] if value.startswith('"') else value.partition(",")[0]
        protocol, _, rest = value.strip().lower().partition("://")
        host, _, path = rest.partition("/")
        tenant = path.partition("/")[0]
        if protocol == "https" and host in LOGIN_HOSTS and is_tenant(tenant):
            return tenant
    return None


def is_tenant(text: str) -> bool:
    """Return whether ``text`` is the GUID of an Entra tenant, in lower case; the nil GUID is not one."""
    lengths = [len(group) for group in text.split("-")]
    is_hexadecimal = not text.replace("-", "").strip("0123456789abcdef")
    return lengths == [8, 4, 4, 4, 12] and is_hexadecimal and text != NIL_TENANT
