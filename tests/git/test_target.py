"""target.py: which organization or server a message is about."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from git_credential_azdo.errors import looks_like_token
from tests.support.targets import about, ours

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
    """It is the same with git's decoded path and git-lfs' undecoded one, and behind the organization's older host."""
    target = ours("dev.azure.com", path)
    assert (target.repository, target.path) == (repository, path)
    if path and path.startswith("contoso/"):
        older = ours("contoso.visualstudio.com", path.removeprefix("contoso/"))
        assert (older.organization, older.repository) == ("contoso", repository)
        assert older.address == "https://dev.azure.com"


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
