"""The fields of a workload identity in the accounts file, and the command that sets such an account up again. Pure.

Keys of the block, beside those of every account: ``client_id``, ``token_endpoint``, ``authority``, ``scope`` (who asks
whom for what), ``certificate``, ``send_x5c``, ``passphrase`` (service principal; the certificate's path, never its
content), ``identity``, ``source`` (managed identity: which one, and whose service answers), ``source``, ``token_file``,
``audience``, ``service_connection`` (federation; with a managed identity ``identity`` and ``machine``, as above),
``az_tenant`` (Azure CLI: the tenant a person named).
"""

from __future__ import annotations

from git_credential_azdo import hints, shell
from git_credential_azdo.accounts.account import FEDERATED, MANAGED_IDENTITY, SERVICE_PRINCIPAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_credential_azdo.accounts.account import Block

SYSTEM = "system"
"""The managed identity that a machine has by itself; others are named by a client id, ``object:ID``, ``resource:ID``."""


def setup_command(block: Block) -> str:
    """Return the command that sets this machine's identity up again, to be copied into a shell."""
    kind = block.get("kind")
    operand, words = "", []
    if kind == SERVICE_PRINCIPAL:
        operand, words = block.get("client_id"), _options(block, "tenant", "certificate")
        words += ["--send-x5c"] if block.get("send_x5c") else []
    elif kind == MANAGED_IDENTITY:
        operand = block.get("identity") or SYSTEM
    elif kind == FEDERATED:
        operand = block.get("source")
        words = _options(block, "client_id", "tenant", "token_file", "audience", "service_connection")
        words += shell.options(managed_identity=block.get("identity"))
    else:
        words = shell.options(tenant=block.get("az_tenant"))
    words += [word for name in block.all("org[]") for word in ("--org", name)]
    return hints.setup_as(kind, words, operand)


def _options(block: Block, *keys: str) -> list[str]:
    return shell.options(**{key: block.get(key) for key in keys})
