"""The harnesses by name, and the seeds of each: everything that reads bytes from elsewhere has one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz import answers, authority, bus, configuration, messages, saved, sign_in, verbs

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fuzz.source import Source

    Harness = Callable[[Source], None]

HARNESSES: dict[str, Harness] = {
    "lines": messages.lines,
    "targets": messages.targets,
    "accounts-file": saved.accounts_file,
    "payloads": saved.payloads,
    "pasted": sign_in.pasted,
    "keys": sign_in.keys,
    "requests": sign_in.requests,
    "authority-answers": authority.answers,
    "machine-answers": authority.machines,
    "devops-answers": answers.azure_devops,
    "headers": answers.headers,
    "bus-messages": bus.messages,
    "bus-conversation": bus.conversation,
    "git-configuration": configuration.listing,
    "urls": configuration.urls,
    "origins": configuration.origins,
    "verbs": verbs.git_verbs,
}
CORPUS = Path(__file__).parent / "corpus"


def seeds(name: str) -> list[Path]:
    """Return the seeds of a harness, in a fixed order."""
    return sorted((CORPUS / name).glob("*"))
