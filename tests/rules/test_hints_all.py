"""hints.py: each command that the code proposes is run by a case of ``test_hints_cure``, or there is a reason."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.rules.test_hints_cure import CASES
from tests.support.source import MODULES, tree

ROOT = Path(__file__).resolve().parents[2]
_ELSEWHERE = {
    "clone": "tests/commands/test_setup_oauth.py",
    "home": "tests/commands/test_survival.py",
    "http": "tests/test_proxy_password.py",
    "include": "tests/git/test_install_refused.py",
    "pat_revoke": "tests/rules/test_hints_cure.py",
    "setup_as": "tests/commands/test_setup_person.py",
    "setup_in_file_vault": "tests/commands/test_setup_vault.py",
    "setup_pat_from_file": "tests/commands/test_setup_pat.py",
    "token": "tests/commands/test_token.py",
    "token_variable": "tests/helper/test_environment_tokens.py",
    "unconfigure": "tests/commands/test_configure.py",
    "unlock": "tests/commands/test_setup_vault.py",
    "use_http_path": "tests/helper/test_on_premises.py",
}
"""The commands that other tests read or run."""
_REASONS = {
    "needs a terminal's shell": ("set_variables", "unset"),
    "installs something or changes the machine": (
        *("compile_package", "ensure_path", "inject", "install_extra", "own", "set_clock", "upgrade"),
    ),
    "another program's own": ("az_login", "pass_init", "unlock_keychain"),
    "an identity that Azure gives a machine": (
        *("setup_federated", "setup_managed_identity", "setup_service_principal"),
    ),
    "a page": ("tokens_page",),
    "where nothing else is known": ("by_hand", "config_names", "make_empty"),
}
"""Why the others are not run."""
NOT_RUN = {*_ELSEWHERE, *(name for names in _REASONS.values() for name in names)}


def test_every_command_that_is_proposed_is_run_or_says_why_not() -> None:
    """A new one is found here."""
    trees = (ast.walk(tree(text)) for name, text in MODULES.items() if name != "hints.py")
    used = {
        node.attr
        for tree in trees
        for node in tree
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "hints"
        if node.attr.islower()
    }
    ran = {case.hint for case in CASES.values()}
    assert used - ran == NOT_RUN
    assert ran <= used
    assert [path for path in _ELSEWHERE.values() if not (ROOT / path).exists()] == []
