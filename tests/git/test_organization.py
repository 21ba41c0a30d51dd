"""Which texts are names of organizations, and which paths collections of a server."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_azdo.git.target import Collection, Organization
from tests.support.targets import about

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
