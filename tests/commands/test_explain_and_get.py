"""``explain`` says what ``get`` does: both are asked, with accounts, marks, secrets and variables of every kind.

No request is ever due: an account has a live token, or its sign-in is refused, failing or missing.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from git_credential_azdo.accounts.accounts_file import read
from git_credential_azdo.commands.explain import ANSWERS, QUITS, SILENT, explain
from git_credential_azdo.errors import AzdoError
from git_credential_azdo.files import accounts_path, vault_folder
from git_credential_azdo.git.address import message_for
from git_credential_azdo.git.protocol import Message
from git_credential_azdo.git.target import target_of
from git_credential_azdo.helper import answer, verbs

NOW = int(time.time())
ONE, OTHER = (f"{digit * 8}-2222-3333-4444-555555555555" for digit in "1a")
SERVER = "https://tfs.example.com"
COLLECTION = f"{SERVER}/coll"
URLS = [
    f"https://{authority}"
    for authority in (
        "dev.azure.com/contoso/app/_git/app",
        "bob@dev.azure.com/contoso/app/_git/app",
        "contoso@dev.azure.com/contoso/app/_git/app",
        "nobody@dev.azure.com/contoso/_git/x",
        f"{'a' * 52}@dev.azure.com/contoso/_git/x",
        "dev.azure.com",
        "fabrikam.visualstudio.com/_git/app",
        "tfs.example.com/coll/_git/x",
        "bob@tfs.example.com",
    )
]
ENVIRONMENTS: list[dict[str, str]] = [
    {},
    {},
    {"AZURE_DEVOPS_EXT_PAT": "made-up"},
    {"AZURE_DEVOPS_EXT_PAT": "$(PAT)", "CI": "1"},
    *(
        {"TF_BUILD": "True", "SYSTEM_ACCESSTOKEN": "made-up", "SYSTEM_COLLECTIONURI": f"{uri}/"}
        for uri in ("https://dev.azure.com/contoso", COLLECTION)
    ),
]
Pairs = list[tuple[str, str]]
World = tuple[list[Pairs], dict[str, Pairs]]
"""Blocks of the accounts file, and entries of the vault."""


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Return some accounts and stored credentials, and what belongs to them."""
    blocks: list[Pairs] = []
    secrets: dict[str, Pairs] = {}

    def maybe(key: str, *values: str) -> Pairs:
        value = draw(st.sampled_from(["", "", *values]))
        return [(key, value)] if value else []

    ends = [str(NOW + seconds) for seconds in (-60, 86_400)]
    for number in range(draw(st.integers(0, 3))):
        name = f"id{number}"
        kind = draw(st.sampled_from(["oauth", "pat", "managed-identity", "typed"]))
        block = [("kind", kind), ("id", name), ("vault", "file"), *maybe("expires_utc", *ends)]
        at = draw(st.sampled_from(["https://dev.azure.com", "https://dev.azure.com", SERVER]))
        if kind == "typed":
            block += [("address", at), *maybe("username", "bob"), *maybe("organization", "contoso")]
            secrets[f"{name}/typed"] = maybe("password", "made-up")
        else:
            block += [("name", draw(st.sampled_from(["ann@contoso.com", "bob"]))), *maybe("default", "1")]
            block += [*maybe("org[]", "contoso", "*", COLLECTION), *maybe("org[]", "fabrikam")]
            where = draw(st.sampled_from(["-", "elsewhere" if kind == "pat" else "contoso"]))
            marked = f"{where} {NOW - draw(st.sampled_from([5, 500]))}"
            block += maybe("rejected[]", marked) + ([("address", at)] if at == SERVER else [])
        if kind == "pat":
            secrets[f"{name}/pat"] = maybe("token", "made-up")
        elif kind != "typed":
            tenant = draw(st.sampled_from(["", ONE, OTHER]))
            is_live = draw(st.booleans())
            where, until = draw(st.sampled_from(["*", tenant or "-"])) if is_live else "*", NOW + 900
            failed = f"{where} {NOW} {draw(st.sampled_from(['setup', str(until)]))}|it failed|do this"
            if is_live or kind != "oauth":
                marks = maybe("failed[]", failed) if is_live else [("failed[]", failed)]
                secrets[f"{name}/refresh"] = [("token", "made-up"), ("received_utc", "5")]
            else:
                marks = maybe("failed[]", failed)
                secrets[f"{name}/refresh"] = maybe("token", "made-up") if marks else []
            block += [("tenant", tenant), *marks]
            times = [("received_utc", str(NOW - 9)), ("expires_utc", str(NOW + (3_000 if is_live else -5)))]
            for each in (ONE, OTHER, "home"):
                secrets[f"{name}/access/{each}"] = [("token", "made-up"), *times]
        blocks.append(block)
    blocks += [[("kind", "server"), ("address", SERVER)]] * draw(st.integers(0, 1))
    learned = [
        ("kind", "learned"),
        ("organization", "contoso"),
        ("tenant", draw(st.sampled_from([ONE, OTHER]))),
    ]
    target = draw(st.sampled_from(["contoso", "contoso/app/app", COLLECTION]))
    bound = [("kind", "binding"), ("target", target), ("account", "id0")]
    return [*blocks, *([learned] * draw(st.integers(0, 1))), *([bound] * draw(st.integers(0, 1)))], secrets


def text_of(pairs: Pairs) -> str:
    """Return the lines of a block or an entry."""
    return "".join(f"{key}={value}\n" for key, value in pairs)


def result_of_get(message: Message, data: bytes) -> str:
    """Return what ``get`` does, as ``explain`` names it."""
    target = target_of(message)
    assert target
    accounts_file = read(data)
    is_ours = target.services or verbs._variable_of("get", message, target)
    if not is_ours and accounts_file.server(target.address) is None:
        return SILENT
    try:
        lines, _ = answer.get(message, target, accounts_file)
    except AzdoError:
        return QUITS
    return QUITS if lines is None else ANSWERS if lines else SILENT


def _account(kind: str, *pairs: tuple[str, str], **secret: str) -> World:
    block = [("kind", kind), ("id", "id0"), ("vault", "file"), ("name", "bob"), ("org[]", "contoso"), *pairs]
    return [block], {f"id0/{what}": [("token", token)] for what, token in secret.items()}


_REPOSITORY = URLS[0]


@settings(max_examples=100, deadline=None)
@given(worlds(), st.sampled_from(URLS), st.sampled_from(ENVIRONMENTS))
@example(_account("pat", ("rejected[]", f"fabrikam {NOW}"), pat="made-up"), _REPOSITORY, {})
@example(
    _account("oauth", ("failed[]", f"* {NOW} {NOW + 900}|it failed|do this"), refresh="made-up"),
    _REPOSITORY,
    {},
)
@example(([], {}), f"{COLLECTION}/_git/x", ENVIRONMENTS[-1])
def test_explain_says_what_get_does(world: World, url: str, environment: dict[str, str]) -> None:
    """A credential, an error or nothing."""
    blocks, secrets = world
    header = [("version", "1"), ("salt", "00")]
    data = "\n".join(map(text_of, [header, *blocks])).encode()
    folder = tempfile.mkdtemp()
    try:
        with pytest.MonkeyPatch.context() as patch:
            for variable in ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CONFIG_HOME"):
                patch.setenv(variable, folder)
            for variable in {"CI", "GITHUB_ACTIONS", "GITLAB_CI", *environment}:
                patch.delenv(variable, raising=False)
            for name, value in environment.items():
                patch.setenv(name, value)
            files = {f"{vault_folder()}/{name}": text_of(pairs) for name, pairs in secrets.items()}
            for name, text in {**files, accounts_path(): data.decode()}.items():
                path = Path(name)
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                path.touch(0o600)
                path.write_text(text)
            found: dict[str, Any] = explain(url, read(data))
            asked = message_for(url)
            offered = [("capability[]", "authtype"), ("wwwauth[]", "Basic")]
            message = Message([*asked.fields.items(), *offered])
            assert result_of_get(message, data) == found["result"]
    finally:
        shutil.rmtree(folder)
