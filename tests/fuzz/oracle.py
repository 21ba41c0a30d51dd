"""What must hold whatever came in. Written by the documents, without the code that it judges."""

from __future__ import annotations

import contextlib
import io
import re
import sys
import unicodedata
from typing import TYPE_CHECKING

from git_credential_azdo import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

# https://learn.microsoft.com/azure/devops/organizations/settings/naming-restrictions
_ORGANIZATION = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?", re.ASCII)
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_PREFIX = re.compile(r"git-credential-azdo: (?:error|hint|warning): ")


def check(held: object, what: str, *values: object) -> None:
    """Raise AssertionError, which the fuzzer takes for a crash, unless it held."""
    if not held:
        raise AssertionError(f"{what}: {', '.join(map(ascii, values))}")


def is_organization(name: str) -> bool:
    """Return whether this is the name of an organization, in lower case."""
    return bool(_ORGANIZATION.fullmatch(name))


def is_tenant(text: str) -> bool:
    """Return whether this is the id of a tenant, in lower case."""
    return bool(_GUID.fullmatch(text))


def check_printable(text: str, what: str) -> None:
    """Raise AssertionError when a terminal would do anything but show the text."""
    bad = [character for character in text if unicodedata.category(character)[0] in "CZ" and character != " "]
    check(not bad, f"{what} would steer a terminal", text)


def check_lines(written: str) -> list[str]:
    """Raise AssertionError unless it is lines of ours for people, each of them printable; return them."""
    lines = written.split("\n")
    check(lines.pop() == "", "a line is not ended", written)
    for line in lines:
        check_printable(line, "a line on stderr")
        check(_PREFIX.match(line), "a line on stderr is not of our form", line)
    return lines


def check_message(error: errors.AzdoError) -> str:
    """Raise AssertionError unless the error comes out as one line, and a hint's; return what is written."""
    with written() as stream:
        errors.report(error)
    lines = check_lines(stream.getvalue())
    check(len(lines) == 1 + bool(error.hint), "an error is more than its line and its hint", *lines)
    return stream.getvalue()


@contextlib.contextmanager
def written() -> Iterator[io.StringIO]:
    """Gather what is written on stderr."""
    before, sys.stderr = sys.stderr, io.StringIO()
    try:
        yield sys.stderr
    finally:
        sys.stderr = before
