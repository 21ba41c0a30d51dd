"""remote.py: which organization or server a message is about, and which tenant a challenge names."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import (
    NIL_TENANT,
    Collection,
    Organization,
    Target,
    is_tenant,
    looks_like_token,
    target_of,
    tenant_in,
)
from git_credential_azdo.hosts import LOGIN_HOSTS

TENANT = "3f2b1c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d"


def about(
    host: str | None, path: str | None = None, user: str | None = None, protocol: str | None = "https"
) -> Target | None:
    """Ask what the message with these values, and no others, is about."""
    given_ones = {"protocol": protocol, "host": host, "path": path, "username": user}
    return target_of(Message((key, value) for key, value in given_ones.items() if value is not None))


def ours(host: str, path: str | None = None, user: str | None = None, protocol: str = "https") -> Target:
    """Return what the message is about, which must be Azure DevOps Services."""
    target = about(host, path, user, protocol)
    assert target is not None
    assert target.services
    assert target.host == "dev.azure.com"
    return target


ORGANIZATIONS = [
    ("dev.azure.com", "contoso/p/_git/r", "contoso"),
    ("dev.azure.com", "Contoso/p/_git/r", "contoso"),
    ("dev.azure.com", "/contoso/", "contoso"),
    ("dev.azure.com", "//contoso//p", "contoso"),
    ("dev.azure.com", "contoso", "contoso"),
    ("dev.azure.com", "c", "c"),
    ("dev.azure.com", None, None),
    ("dev.azure.com", "", None),
    ("dev.azure.com", "/", None),
    ("dev.azure.com", "_git/r", None),
    ("dev.azure.com", "_apis/connectionData", None),
    ("DEV.Azure.Com", "contoso", "contoso"),
    ("dev.azure.com:443", "contoso", "contoso"),
    ("contoso.visualstudio.com", None, "contoso"),
    ("contoso.visualstudio.com", "p/_git/r", "contoso"),
    ("contoso.visualstudio.com", "other/_git/r", "contoso"),
    ("Contoso.VisualStudio.com:443", "DefaultCollection/p/_git/r", "contoso"),
    ("con-toso.visualstudio.com", None, "con-toso"),
    ("con--toso-2.visualstudio.com", None, "con--toso-2"),
    ("4711.visualstudio.com", None, "4711"),
    ("apps.visualstudio.com", None, "apps"),
]


@pytest.mark.parametrize(("host", "path", "organization"), ORGANIZATIONS)
def test_the_organization_is_found_in_the_path_or_the_host(
    host: str, path: str | None, organization: str | None
) -> None:
    """Lower case, whichever way it was spelled."""
    assert ours(host, path).organization == organization


REPOSITORIES = [
    ("contoso/p/_git/r", "contoso/p/r"),
    ("Contoso/Project/_git/Repo", "contoso/project/repo"),
    ("contoso/_git/r", "contoso/r/r"),
    ("contoso/_git/r.git", "contoso/r/r"),
    ("contoso/p/_git/r/", "contoso/p/r"),
    ("/contoso//p/_git//r", "contoso/p/r"),
    ("contoso/DefaultCollection/p/_git/r", "contoso/p/r"),
    ("contoso/defaultcollection/_git/r", "contoso/r/r"),
    ("contoso/p/DefaultCollection/_git/r", "contoso/p/r"),
    ("contoso/p/team/_git/r", "contoso/p/r"),
    ("contoso/p/_git/_optimized/r", "contoso/p/r"),
    ("contoso/p/_git/_full/r", "contoso/p/r"),
    ("contoso/p/_optimized/_git/r", "contoso/p/r"),
    ("contoso/_git/_full/r", "contoso/r/r"),
    ("contoso/_optimized/_git/r", "contoso/r/r"),
    ("contoso/p/_git/r.git/info/lfs", "contoso/p/r"),
    ("contoso/p/_git/r/info/lfs/objects/batch", "contoso/p/r"),
    ("contoso/p/_git/_optimized/r.git/info/lfs/locks", "contoso/p/r"),
    ("contoso/p/_git/r/info/refs", "contoso/p/r"),
    ("contoso/p/_git/r/vsts/info", "contoso/p/r"),
    ("contoso/p/_git/_git", "contoso/p/_git"),
    ("contoso/p/_git/p.wiki", "contoso/p/p.wiki"),
    ("contoso/My Project/_git/My Repo", "contoso/my project/my repo"),
    ("contoso/My%20Project/_git/My%20Repo", "contoso/my project/my repo"),
    ("contoso/100%25/_git/r", "contoso/100%/r"),
    ("contoso/100%/_git/r", "contoso/100%/r"),
    ("contoso/%/_git/r%2", "contoso/%/r%2"),
    ("contoso/%%41/_git/r%zz", "contoso/%a/r%zz"),
    ("contoso/%+1/_git/%0x", "contoso/%+1/%0x"),
    ("contoso/%aX/_git/%Xa", "contoso/%ax/%xa"),
    ("contoso/%41\udcff/_git/r", "contoso/a\udcff/r"),
    ("contoso/%4a%4A/_git/%c3%89", "contoso/jj/é"),
    ("contoso/É/_git/r", "contoso/é/r"),
    ("contoso/p/_%67it/r", "contoso/p/r"),
    ("contoso/%41B/_git/r", "contoso/ab/r"),
    ("contoso/p/_git/%FF", "contoso/p/\udcff"),
    ("contoso", None),
    ("contoso/p", None),
    ("contoso/p/_git", None),
    ("contoso/p/_git/", None),
    ("contoso/_git", None),
    ("contoso/DefaultCollection", None),
    ("contoso/p/_git/_optimized", None),
    ("contoso/p/_apis/git/repositories", None),
    ("contoso/p/_gitty/r", None),
    ("contoso/p/git/r", None),
    ("_git/r", None),
    (None, None),
]


@pytest.mark.parametrize(("path", "repository"), REPOSITORIES)
def test_the_repository_is_found_in_every_shape_of_url(path: str | None, repository: str | None) -> None:
    """And it is the same one with git's decoded path and git-lfs' undecoded one."""
    target = ours("dev.azure.com", path)

    assert target.repository == repository
    assert target.path == path


@pytest.mark.parametrize(
    ("path", "repository"), [row for row in REPOSITORIES if row[0] and row[0].startswith("contoso/")]
)
def test_both_spellings_of_an_organization_are_one(path: str, repository: str | None) -> None:
    """The path of *.visualstudio.com begins behind the organization."""
    target = ours("contoso.visualstudio.com", path.removeprefix("contoso/"))

    assert (target.organization, target.repository) == ("contoso", repository)
    assert target.address == "https://dev.azure.com"


# Every way in which a host may look like ours and be somebody else's (or not what a token may be sent to).
LOOK_ALIKES = [
    "dev.azure.com.evil.example",
    "dev.azure.com.",
    ".dev.azure.com",
    "dev.azure.com:",
    "dev.azure.com:80",
    "dev.azure.com:0443",
    "dev.azure.com:443:443",
    "dev.azure.com:4430",
    "dev.azure.com:8443",
    "dev.azure.com/evil.example",
    "dev.azure.com@evil.example",
    "contoso@dev.azure.com",
    "dev.azure.com#evil.example",
    "dev.azure.com\\evil.example",
    "dev.azure.com evil.example",
    " dev.azure.com",
    "dev.azure.com ",
    "dev.azure.com\t",
    "xdev.azure.com",
    "ssh.dev.azure.com",
    "vssps.dev.azure.com",
    "pkgs.dev.azure.com",
    "dev-azure.com",
    "devazure.com",
    "dev.azure.co",
    "dev.azure.comm",
    "dev.azure.us",
    "dev.azur\u0435.com",
    "dev\u3002azure.com",
    "dev.a\u200bzure.com",
    "\uff44ev.azure.com",
    "xn--dev-azure-com.example",
    "azure.com",
    "visualstudio.com",
    ".visualstudio.com",
    "-.visualstudio.com",
    "*.visualstudio.com",
    "con_toso.visualstudio.com",
    "a.b.visualstudio.com",
    "contoso.pkgs.visualstudio.com",
    "contoso.vssps.visualstudio.com",
    "contoso.visualstudio.com.",
    "contoso.visualstudio.com.evil.example",
    "contoso.visualstudio.com:8443",
    "evil.example/.visualstudio.com",
    "evil.example:1.visualstudio.com",
    "evil.example#.visualstudio.com",
    "contoso visualstudio.com",
    "contosovisualstudio.com",
    "contoso.visualstudio.comm",
    "contoso.visualstudi\u043e.com",
    "cont\u00f6so.visualstudio.com",
    "con\u0660toso.visualstudio.com",
    "\u212aontoso.visualstudio.com",
    "contoso.v\u0130sualstudio.com",
    "contoso.visual\u017ftudio.com",
    "app.visualstudio.com",
    "APP.visualstudio.com",
    "marketplace.visualstudio.com",
    "pkgs.visualstudio.com",
    "vs-ssh.visualstudio.com",
    "vsaex.visualstudio.com",
    "vsrm.visualstudio.com",
    "vssps.visualstudio.com",
    "www.visualstudio.com",
    "login.microsoftonline.com",
]


@pytest.mark.parametrize("host", LOOK_ALIKES)
def test_a_look_alike_is_never_ours(host: str) -> None:
    """It may be a registered server, which gets no token of Azure DevOps, or no host that git could reach."""
    target = about(host, "contoso/p/_git/r", "contoso")

    if target is not None:
        assert not target.services
        assert (target.organization, target.repository) == (None, None)
        assert target.address != "https://dev.azure.com"


REAL_HOSTS = ["dev.azure.com", "contoso.visualstudio.com"]
DISGUISES = st.characters(exclude_categories=["Cs"]) | st.sampled_from(
    "\u212a\u0130\u017f\u3002\uff0e\u200b.:/@\\#%?-"
)


@given(
    st.sampled_from(REAL_HOSTS),
    st.integers(min_value=0, max_value=30),
    st.text(DISGUISES, min_size=1, max_size=4),
    st.integers(min_value=0, max_value=4),
)
@example(REAL_HOSTS[1], 0, "\u212a", 1)
def test_no_character_more_or_other_makes_a_host_ours(host: str, at: int, text: str, cut: int) -> None:
    """Prefixes, suffixes, insertions, replacements, ports, all of Unicode: only Microsoft's two shapes are ours."""
    changed = host[:at] + text + host[at + cut :]
    bare = changed.lower().removesuffix(":443")
    legacy = re.fullmatch(r"([a-z0-9]|[a-z0-9][a-z0-9-]{0,48}[a-z0-9])\.visualstudio\.com", bare)
    expected = changed.isascii() and (bare == "dev.azure.com" or bool(legacy))

    target = about(changed)

    assert (target is not None and target.services) == expected


@given(
    st.sampled_from(REAL_HOSTS),
    st.integers(min_value=0, max_value=99_999).map(str)
    | st.text(max_size=6).filter(lambda text: text != "443"),
)
@example("dev.azure.com", "0443")
def test_only_the_default_port_is_ours(host: str, port: str) -> None:
    """Port 443 and no port are one; any other port may be anybody's."""
    target = about(f"{host}:{port}")

    assert (target is not None and target.services) == (port == "443")


@pytest.mark.parametrize(
    ("protocol", "host", "address"),
    [
        ("https", "tfs.example.com", "https://tfs.example.com"),
        ("HTTPS", "TFS.Example.COM", "https://tfs.example.com"),
        ("https", "tfs.example.com:443", "https://tfs.example.com"),
        ("https", "tfs.example.com:8443", "https://tfs.example.com:8443"),
        ("https", "tfs.example.com:80", "https://tfs.example.com:80"),
        ("http", "tfs.example.com", "http://tfs.example.com"),
        ("http", "tfs.example.com:80", "http://tfs.example.com"),
        ("http", "tfs.example.com:443", "http://tfs.example.com:443"),
        ("http", "tfs.example.com:8080", "http://tfs.example.com:8080"),
        ("https", "[::1]", "https://[::1]"),
        ("https", "[::1]:443", "https://[::1]"),
    ],
)
def test_any_other_web_host_is_a_server(protocol: str, host: str, address: str) -> None:
    """Known by scheme, host and port, the default port dropped."""
    target = about(host, "tfs/DefaultCollection/p/_git/r", "Somebody", protocol)

    assert target is not None
    assert not target.services
    assert target.address == address == f"{target.protocol}://{target.host}"
    assert (target.path, target.user) == ("tfs/DefaultCollection/p/_git/r", "Somebody")
    assert (target.organization, target.repository) == (None, None)


@pytest.mark.parametrize(
    ("protocol", "host"),
    [
        (None, "dev.azure.com"),
        ("", "dev.azure.com"),
        ("ssh", "dev.azure.com"),
        ("cert", "dev.azure.com"),
        ("https:", "dev.azure.com"),
        ("ftp", "tfs.example.com"),
        ("smtp", "mail.example.com:587"),
        ("https", None),
        ("https", ""),
        (None, None),
        ("https", "MÜNCHEN.example"),
        ("https", "bac\u212aup.example"),
        ("https", "tfs.example.com\r"),
        ("https\r", "tfs.example.com"),
        ("https", "tfs.example.com:8443:443"),
        ("https", "tfs.example.com:443:443"),
        ("https", "tfs.example.com:"),
        ("https", "tfs.example.com:8443\r"),
        ("https", "tfs.example.com:+443"),
        ("https", "[::1]x:443"),
        ("https", "tfs example.com"),
    ],
)
def test_what_names_no_web_host_is_about_nothing(protocol: str | None, host: str | None) -> None:
    """Git asks for certificates' passwords and mail servers too."""
    assert about(host, "contoso/p", "somebody", protocol) is None


@pytest.mark.parametrize(
    "host", ["dev.azure.com", "dev.azure.com:80", "contoso.visualstudio.com", "DEV.AZURE.COM"]
)
def test_services_over_http_are_still_recognized(host: str) -> None:
    """So that the person can be told; the protocol stays what it was."""
    target = ours(host, "contoso", protocol="HTTP")

    assert target.protocol == "http"
    assert target.address == "http://dev.azure.com"


@pytest.mark.parametrize("user", [None, "", "contoso", "Jo@Contoso.com"])
@pytest.mark.parametrize("host", ["dev.azure.com", "tfs.example.com"])
def test_the_user_is_passed_on_as_it_came(host: str, user: str | None) -> None:
    """An empty user is not an absent one."""
    target = about(host, None, user)

    assert target is not None
    assert target.user == user
    assert target.path is None


NAMES = ["c", "7", "contoso", "Contoso", "con-toso", "con--toso", "4711", "a" * 50]
NO_NAMES = [
    "",
    "-",
    "-c",
    "c-",
    "a" * 51,
    "con_toso",
    "con.toso",
    "con toso",
    "contoso\r",
    "contoso\n",
    "cont\u00f6so",
    "\u212aontoso",
    "con\u0660toso",
    "..",
    "contoso/p",
    "contoso?x",
    "contoso@evil.test",
    "evil.test",
    "https://evil.test/x",
    "https%3A%2F%2Fevil.test%2Fx",
    "//evil.test",
    "evil.test:443",
    "\\evil.test",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_the_form_that_azure_devops_allows_is_an_organization(name: str) -> None:
    """Letters, digits, inner hyphens, at most 50 of them; its address is a constant host and the name."""
    assert Organization(name) == Organization.read(name) == name.lower()
    assert Organization(name).url == f"https://dev.azure.com/{name.lower()}"


@pytest.mark.parametrize("name", NO_NAMES)
def test_no_other_text_becomes_an_organization(name: str) -> None:
    """Neither an address nor a part of one, by whichever door."""
    assert Organization.read(name) is None
    with pytest.raises(ValueError, match="not the name"):
        Organization(name)
    for target in (about("dev.azure.com", f"{name}/_git/r"), about(f"{name}.visualstudio.com")):
        assert target is None or target.organization in {None, name.split("/", maxsplit=1)[0].lower()}


@given(st.text(st.characters() | st.sampled_from("aZ9-:/@%._\r\u212a"), max_size=60))
def test_an_organization_never_holds_anything_but_letters_digits_and_hyphens(text: str) -> None:
    """Whatever a URL, a file or a server says."""
    organization = Organization.read(text)
    assert (organization is None) == (
        re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]{0,48}[A-Za-z0-9])?", text) is None
    )


TFS = "https://tfs.example.com:8443"


def test_a_collection_lies_below_a_registered_address() -> None:
    """In lower case, and percent-encoded where it becomes a URL."""
    collection = Collection(TFS, "tfs/My Stuff", [TFS])
    assert collection == f"{TFS}/tfs/my stuff" == Collection.read(f"{TFS}/tfs/my stuff", [TFS])
    assert (collection.address, collection.url) == (TFS, f"{TFS}/tfs/my%20stuff")


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.test/x",
        "https://tfs.example.com/x",
        "http://tfs.example.com:8443/x",
        "https://tfs.example.com:84430/x",
        "https://tfs.example.com:8443.evil.test/x",
        "https://tfs.example.com:8443@evil.test/x",
        TFS,
        "",
        "contoso",
    ],
)
def test_no_other_address_becomes_a_collection(address: str) -> None:
    """An address counts only if it equals a registered one."""
    assert Collection.read(address, [TFS]) is None
    with pytest.raises(ValueError, match="registered"):
        Collection(address, "x", [TFS] if address != TFS else [])


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(":/@#?\\%.x\udcff"), max_size=20))
def test_no_path_leads_out_of_a_registered_address(path: str) -> None:
    """The host of the URL stays what was registered."""
    collection = Collection(TFS, path, [TFS])
    assert collection.address == TFS
    assert collection.url.startswith(f"{TFS}/")
    assert not set(collection.url[len(TFS) :]) & set("@#?\\ \r\n")


def test_a_text_as_long_as_a_token_looks_like_one() -> None:
    """Sign-in names hold an @, and organizations have at most 50 characters, yet 40 is a token's shape already."""
    assert [looks_like_token(text) for text in ("x" * 52, "x" * 40, "x" * 39, "x" * 40 + "@x", "")] == [
        True,
        True,
        False,
        False,
        False,
    ]


@given(st.text(max_size=12), st.text(max_size=40), st.text(max_size=12))
def test_no_message_makes_it_fail(host: str, path: str, user: str) -> None:
    """Whatever a URL holds; what it calls an organization is in the path."""
    for each in (host, "dev.azure.com", f"{host}.visualstudio.com"):
        target = about(each, path, user)
        if target and target.organization and each == "dev.azure.com":
            assert target.organization in path.lower()


@given(st.text("aB-9_%. é\udcff", min_size=1, max_size=8), st.text("aB-9_%. é\udcff", min_size=1, max_size=8))
def test_encoding_a_path_does_not_change_the_repository(project: str, name: str) -> None:
    """Git sends the path decoded, git-lfs as it stands in the URL."""
    assume(not {"_git", "_full", "_optimized"} & {project.lower(), name.lower()})
    plain = [project, name]
    encoded = ["".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogateescape")) for text in plain]
    assume("%" not in project + name)  # a percent sign that git decoded and one that it did not look the same

    targets = [ours("dev.azure.com", f"contoso/{one}/_git/{two}") for one, two in (plain, encoded)]

    assert targets[0].repository == targets[1].repository


CHALLENGES = [
    ([f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}"], TENANT),
    ([f"bearer authorization_uri=https://login.microsoftonline.com/{TENANT}"], TENANT),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT.upper()}"], TENANT),
    ([f"Bearer authorization_uri=HTTPS://Login.MicrosoftOnline.com/{TENANT}"], TENANT),
    ([f'Bearer authorization_uri="https://login.microsoftonline.com/{TENANT}"'], TENANT),
    ([f'Bearer authorization_uri="https://login.microsoftonline.com/{TENANT}", error="x"'], TENANT),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}, error=x"], TENANT),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT} "], TENANT),
    (
        [f'Bearer realm="", authorization_uri="https://login.microsoftonline.com/{TENANT}/oauth2/authorize"'],
        TENANT,
    ),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}/"], TENANT),
    (
        ['Basic realm="x"', f"Bearer authorization_uri=https://login.windows.net/{TENANT}", "TFS-Federated"],
        TENANT,
    ),
    (["Bearer", "TFS-Federated", f"Bearer authorization_uri=https://login.windows.net/{TENANT}"], TENANT),
    (
        [
            "Bearer authorization_uri=https://login.microsoftonline.com/common",
            f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}",
        ],
        TENANT,
    ),
    (
        [f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}/?next=https://evil.example/"],
        TENANT,
    ),
    (
        [f"Bearer authorization_uri=https://login.windows.net/{TENANT}, x_authorization_uri=https://x/x"],
        TENANT,
    ),
    ([], None),
    ([""], None),
    (["Bearer"], None),
    (["Bearer "], None),
    (["Bearer authorization_uri="], None),
    (['Bearer authorization_uri="'], None),
    (["Bearer realm=x"], None),
    (["TFS-Federated"], None),
    ([f"Basic authorization_uri=https://login.microsoftonline.com/{TENANT}"], None),
    ([f"authorization_uri=https://login.microsoftonline.com/{TENANT}"], None),
    (["Bearer authorization_uri=https://login.microsoftonline.com/common"], None),
    (["Bearer authorization_uri=https://login.microsoftonline.com/organizations"], None),
    (["Bearer authorization_uri=https://login.microsoftonline.com/contoso.com"], None),
    (["Bearer authorization_uri=https://login.microsoftonline.com"], None),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com/{NIL_TENANT}"], None),
    ([f"Bearer authorization_uri=http://login.microsoftonline.com/{TENANT}"], None),
    ([f"Bearer authorization_uri=login.microsoftonline.com/{TENANT}"], None),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com:443/{TENANT}"], None),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com.evil.example/{TENANT}"], None),
    ([f"Bearer authorization_uri=https://evil.example/{TENANT}"], None),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com@evil.example/{TENANT}"], None),
    ([f"Bearer authorization_uri=https://evil.example/login.microsoftonline.com/{TENANT}"], None),
    ([f"Bearer authorization_uri=https://evil.example?https://login.microsoftonline.com/{TENANT}"], None),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com/x/{TENANT}"], None),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com//{TENANT}"], None),
    ([f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}?x"], None),
    ([f"Bearer authorization_uri='https://login.microsoftonline.com/{TENANT}'"], None),
]


@pytest.mark.parametrize(("challenges", "tenant"), CHALLENGES)
def test_a_tenant_counts_only_as_a_guid_on_a_login_host(challenges: list[str], tenant: str | None) -> None:
    """The header comes from whoever answered."""
    assert tenant_in(challenges) == tenant


@pytest.mark.parametrize(
    "host",
    [
        "login.microsoftonline.com",
        "login.windows.net",
        "login.microsoftonline.us",
        "login.partner.microsoftonline.cn",
        "login.chinacloudapi.cn",
        "login.microsoft.com",
        "sts.windows.net",
    ],
)
def test_the_login_hosts_are_microsoft_s(host: str) -> None:
    """Public and sovereign clouds."""
    assert tenant_in(iter([f"Bearer authorization_uri=https://{host}/{TENANT}"])) == TENANT
    assert len(LOGIN_HOSTS) == 7


@given(st.sampled_from(sorted(LOGIN_HOSTS)), st.integers(0, 40), st.text(DISGUISES, min_size=1, max_size=3))
def test_a_changed_login_host_names_no_tenant(host: str, at: int, text: str) -> None:
    """Whatever is put into it."""
    changed = host[:at] + text + host[at:]
    assume(changed.partition("/")[0].lower() != host)  # only the path changed

    assert tenant_in([f"Bearer authorization_uri=https://{changed}/{TENANT}"]) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TENANT, True),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", True),
        ("00000000-0000-0000-0000-000000000001", True),
        (NIL_TENANT, False),
        (TENANT.upper(), False),
        (TENANT[:-1], False),
        (TENANT + "0", False),
        (TENANT.replace("-", ""), False),
        (TENANT + "-", False),
        ("{" + TENANT + "}", False),
        (TENANT.replace("3", "g"), False),
        (TENANT.replace("3", "X"), False),
        (TENANT.replace("3", "\u0663"), False),
        ("3f2b1c4d5-e6f-4a7b-8c9d-0e1f2a3b4c5d", False),
        ("", False),
        ("common", False),
    ],
)
def test_a_tenant_is_a_guid_in_lower_case(text: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    """And not the nil one."""
    assert is_tenant(text) == expected


@given(st.uuids())
def test_every_guid_but_the_nil_one_is_a_tenant(guid: object) -> None:
    """As Python writes them: in lower case."""
    assert is_tenant(str(guid)) == (str(guid) != NIL_TENANT)


@given(st.lists(st.text()))
def test_no_challenge_makes_it_fail(challenges: list[str]) -> None:
    """Anything that is no challenge of Entra's names no tenant."""
    assert tenant_in(challenges) is None
