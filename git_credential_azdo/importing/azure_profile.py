"""Who is signed in to the Azure CLI, by its profile file, which holds no secret. Starts nothing and asks nobody.

Form: ``azureProfile.json`` in AZURE_CONFIG_DIR, else ``~/.azure``
(https://learn.microsoft.com/cli/azure/azure-cli-configuration).
"""

from __future__ import annotations

import json
import os


def users() -> list[str]:
    """Return the sign-in names (or client ids) of the Azure CLI's subscriptions, each once; none when there is none."""
    folder = os.environ.get("AZURE_CONFIG_DIR") or os.path.expanduser("~/.azure")
    try:
        with open(os.path.join(folder, "azureProfile.json"), encoding="utf-8-sig") as file:
            document = json.load(file)
    except (OSError, ValueError, RecursionError):
        return []
    listed = document.get("subscriptions") if isinstance(document, dict) else None
    names: dict[str, None] = {}
    for each in listed if isinstance(listed, list) else []:
        user = each.get("user") if isinstance(each, dict) else None
        name = user.get("name") if isinstance(user, dict) else None
        if isinstance(name, str) and name:
            names[name] = None
    return list(names)
