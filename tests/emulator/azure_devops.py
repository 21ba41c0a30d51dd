"""Hosts and routes of Azure DevOps Services: which organization an address means, and who answers it.

Every spelling of an address leads to one repository: dev.azure.com and {organization}.visualstudio.com, with
and without DefaultCollection, project, ``_optimized`` and ``_full``. Answers themselves stand in ``rest``,
``pats``, ``git_http`` and ``lfs``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.emulator import access, git_http, lfs, pats, refusals, rest
from tests.emulator.access import Visit
from tests.emulator.messages import Response, html_response

if TYPE_CHECKING:
    from tests.emulator.messages import Request
    from tests.emulator.model import Repository
    from tests.emulator.world import World

_GIT_WRITE = ("vso.code_write",)
_GIT_READ = ("vso.code",)
_VARIANTS = ("_optimized", "_full")


@dataclass(frozen=True)
class Target:
    """What an address means: ``service`` (``devops``, ``vssps``, ``app`` or ``sps``), organization, the rest."""

    service: str
    organization: str | None
    segments: list[str]


def is_ours(host: str) -> bool:
    """Tell whether a host belongs to Azure DevOps Services; look-alikes do not."""
    return host in {"dev.azure.com", "vssps.dev.azure.com"} or host.endswith(".visualstudio.com")


def target(host: str, segments: list[str]) -> Target:
    """Take an address apart."""
    first = segments[0] if segments else None
    if host == "dev.azure.com":
        return Target("devops", first, segments[1:])
    if host == "vssps.dev.azure.com":
        return Target("vssps", first, segments[1:])
    label, _, domain = host.partition(".")
    if domain == "vssps.visualstudio.com":
        if label == "app":
            return Target("app", None, segments)
        if label.startswith("spsprod"):
            return Target("sps", None, segments)
        return Target("vssps", label, segments)
    if first and first.lower() == "defaultcollection":
        segments = segments[1:]
    return Target("devops", label, segments)


def handle(world: World, request: Request) -> Response:
    """Answer a request to a host of Azure DevOps."""
    caller = access.identify(world, request)
    where = target(request.host, request.segments)
    if where.service == "app":
        return rest.app(world, request, caller, where.segments)
    if where.service == "sps":
        return pats.session_token(world, request, caller, where.segments)
    organization = world.organization(where.organization or "")
    if organization is None:
        return html_response(404, "<html><body><h1>404 - the organization does not exist</h1></body></html>")
    visit = Visit(world, request, caller, organization)
    if where.service == "devops" and "_git" in where.segments:
        return _repository(visit, where.segments)
    if where.service == "vssps" and [part.lower() for part in where.segments] == ["_apis", "tokens", "pats"]:
        return pats.lifecycle(visit)
    return rest.organization(visit, where.segments)


def _split(segments: list[str]) -> tuple[str | None, str, list[str]]:
    """Give project (None if left out), repository and the path below it."""
    at = segments.index("_git")
    before = [part for part in segments[:at] if part not in _VARIANTS]
    after = segments[at + 1 :]
    if after and after[0] in _VARIANTS:
        after = after[1:]
    return (before[0] if before else None, after[0] if after else "", after[1:])


def _repository(visit: Visit, segments: list[str]) -> Response:
    """Answer for a repository; one that is not there and one that the caller may not see look the same."""
    project, name, below = _split(segments)
    if below[:2] == ["info", "lfs"]:
        name = name.removesuffix(".git")  # git-lfs adds it to addresses that have none
    repository = visit.world.repository(visit.organization.name, project, name)
    write = git_http.wants_write(visit.request, below) or lfs.wants_write(visit.request, below)
    public = repository is not None and repository.public and not write
    if public and repository and visit.caller.travels == "none":
        return _serve(visit, repository, below)
    why = access.refusal(visit, _GIT_WRITE if write else _GIT_READ)
    if why:
        for_people = not below or below[0] == "vsts"
        return refusals.rest(why, visit) if for_people else refusals.git(why, visit)
    right = _right(visit, repository)
    if repository is None or (right == "none" and not public):
        return refusals.repository_not_found(name, visit)
    if write and right != "write":
        text = "TF401027: You need the Git 'GenericContribute' permission to perform this action."
        return Response(
            403, [("Content-Type", "text/plain; charset=utf-8"), *refusals.trace()], text.encode()
        )
    return _serve(visit, repository, below)


def _right(visit: Visit, repository: Repository | None) -> str:
    person = visit.caller.person
    return visit.world.right(person, visit.organization, repository) if person and repository else "none"


def _serve(visit: Visit, repository: Repository, below: list[str]) -> Response:
    if below == ["vsts", "info"]:
        return rest.vsts_info(visit.organization, repository)
    if below[:2] == ["info", "lfs"]:
        return lfs.serve(visit.request, repository.path, below[2:])
    if not below:
        return html_response(200, f"<html><body><h1>{repository.name}</h1></body></html>")
    return git_http.serve(visit.request, repository.path, below)
