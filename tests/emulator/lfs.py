"""Git LFS beside a repository: the batch call and the basic transfer, in both directions.

Source: git-lfs docs/api/batch.md and docs/api/basic-transfers.md. Objects lie in the bare repository's ``lfs``
folder. Whoever may fetch the repository may download, whoever may push may upload: decided before.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import TYPE_CHECKING, Any

from tests.emulator.messages import Response, json_response

if TYPE_CHECKING:
    from tests.emulator.messages import Request

_OID = re.compile(r"[0-9a-f]{64}")
_TYPE = "application/vnd.git-lfs+json"


def wants_write(request: Request, below: list[str]) -> bool:
    """Tell whether an LFS request (``below``: its path below the repository) is an upload."""
    if below[:2] != ["info", "lfs"]:
        return False
    return request.method == "PUT" or b'"upload"' in request.body


def serve(request: Request, repository: str, below: list[str]) -> Response:
    """Answer a request below ``info/lfs`` of the bare repository at a path; links lead back to the same address."""
    folder = os.path.join(repository, "lfs")
    if below == ["objects", "batch"] and request.method == "POST":
        return _batch(request, folder)
    if len(below) == 2 and below[0] == "objects" and _OID.fullmatch(below[1]):
        path = os.path.join(folder, below[1])
        if request.method == "PUT":
            return _upload(path, below[1], request.body)
        if request.method == "GET" and os.path.exists(path):
            with open(path, "rb") as file:
                return Response(200, [("Content-Type", "application/octet-stream")], file.read())
    return json_response(404, {"message": "Not found"})


def _upload(path: str, oid: str, body: bytes) -> Response:
    if hashlib.sha256(body).hexdigest() != oid:
        return json_response(422, {"message": "the content is not what its name says"})
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(body)
    return Response(200)


def _batch(request: Request, folder: str) -> Response:
    asked = json.loads(request.body)
    base = request.url.partition("?")[0].removesuffix("/batch")
    objects = [_described(asked["operation"], base, folder, one) for one in asked["objects"]]
    body = json.dumps({"transfer": "basic", "objects": objects}).encode()
    return Response(200, [("Content-Type", _TYPE)], body)


def _described(operation: str, base: str, folder: str, one: dict[str, Any]) -> dict[str, Any]:
    oid, size = str(one["oid"]), int(one["size"])
    there = _OID.fullmatch(oid) is not None and os.path.exists(os.path.join(folder, oid))
    answer: dict[str, Any] = {"oid": oid, "size": size}
    if operation == "download" and not there:
        answer["error"] = {"code": 404, "message": "Object does not exist"}
    elif operation == "download" or not there:
        answer["actions"] = {operation: {"href": f"{base}/{oid}"}}
    return answer
