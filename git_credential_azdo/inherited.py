"""Make safe what a process inherits and leaves behind: search paths, secrets in environment variables, core dumps.

git starts helpers at the top of a work tree, so a repository could contain a ``json.py`` or a ``git.exe`` of its own.
``__main__`` calls ``make_safe`` before it imports anything else, so this module must import only ``os`` and ``sys``
(not even ``__future__``): Python has loaded them already. What Python itself imports before that (``sitecustomize``)
cannot be undone here; the command that ``configure`` writes for git unsets those variables.
"""

import os
import sys

_PR_SET_DUMPABLE = 4
TOKENS = ("AZURE_DEVOPS_EXT_PAT", "SYSTEM_ACCESSTOKEN")
"""Variables with a token for git: the user's, and a pipeline's."""
GITHUB_TOKEN, IDENTITY_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "IDENTITY_HEADER"
SECRETS = frozenset((GITHUB_TOKEN, IDENTITY_TOKEN, *TOKENS))
"""Variables with secrets that this program sends itself. No program that it or its libraries start needs them."""
_FOLDERS = (
    *("APPDATA", "HOME", "LOCALAPPDATA", "USERPROFILE", "XDG_CONFIG_HOME", "XDG_DATA_HOME"),
    *("OPENSSL_CONF", "OPENSSL_ENGINES", "OPENSSL_MODULES", "SSLKEYLOGFILE"),
    *("GNUPGHOME", "PASSWORD_STORE_DIR", "PASSWORD_STORE_EXTENSIONS_DIR"),
)
"""Variables that name folders of configuration (keyring's can name modules), of libraries, and of keys: a repository's
owner could read what is written into a password store there, or what the keys of connections there decrypt."""
dropped: list[str] = []
"""The entries that ``make_safe`` removed from PATH, for ``doctor``."""


def outside(entries: list[str], current: str = "") -> list[str]:
    """Return the entries of a search path that are absolute and not the current folder, which is looked up if not given."""
    here = _normalized(current or _here())
    return [entry for entry in entries if is_absolute(entry) and _normalized(entry) != here]


def is_absolute(path: str) -> bool:
    """Return whether a path is absolute; one that lacks the drive on Windows is not."""
    # Before Python 3.13, isabs is true for such a path, too.
    return os.path.isabs(path) and (os.name != "nt" or os.path.splitdrive(path)[0] != "")


def are_absolute(paths: str, *, several: bool) -> bool:
    """Return whether a path is absolute; with ``several``, whether all are, separated as in PATH. Empty ones are ignored."""
    entries = paths.split(os.pathsep) if several else [paths]
    return all(map(is_absolute, filter(None, entries)))


def make_safe() -> None:
    """Remove the current folder, and every relative entry, from the search paths of modules and programs.

    Modules: PYTHONPATH is removed too, as by ``python -I``, what a relative PYTHONUSERBASE or HOME leads to, and a
    relative PYTHONPYCACHEPREFIX. Programs: third-party libraries start some (``pass``, gpg), and Windows would look in
    the current folder before PATH. Files: a relative path counts as not set (XDG Base Directory Specification). Secrets
    stay in ``os.environ``, but are removed from the process's environment, which child processes inherit.
    """
    here = _here()
    absolute = outside(sys.path, here)
    added = _added()
    if added or len(absolute) != len(sys.path):
        own = _own_folders()
        inherited = {_normalized(os.path.join(here, entry)) for entry in added}
        sys.path[:] = [
            entry
            for entry in sys.path
            if _normalized(entry) in own or (entry in absolute and _normalized(entry) not in inherited)
        ]
    if sys.pycache_prefix and not is_absolute(sys.pycache_prefix):
        sys.pycache_prefix = None
    path = os.environ.get("PATH")
    if path:
        entries = path.split(os.pathsep)
        safe = outside(entries, here)
        dropped[:] = [entry for entry in entries if entry not in safe]
        if dropped:
            os.environ["PATH"] = os.pathsep.join(safe)
    for name in _FOLDERS:
        folder = os.environ.get(name)
        if folder and not is_absolute(folder):
            del os.environ[name]
    for name in SECRETS:
        if name in os.environ:
            os.unsetenv(name)
    if os.name == "nt":
        os.environ["NODEFAULTCURRENTDIRECTORYINEXEPATH"] = "1"


def _added() -> list[str]:
    """Return what PYTHONPATH added to the search path of modules, and the folder of the user's packages if relative."""
    path = os.environ.get("PYTHONPATH")
    added = path.split(os.pathsep) if path else []
    of_user = getattr(sys.modules.get("site"), "USER_SITE", None)
    if of_user and not is_absolute(of_user):
        added.append(of_user)
    return added


def _own_folders() -> set[str]:
    """Return the folders of Python and of this package, which stay even when PYTHONPATH repeats them.

    Anyone who can write there can replace this program anyway, and some tools export all of ``sys.path``.
    """
    standard = os.path.dirname(os.__file__)
    package = os.path.dirname(os.path.dirname(__file__))
    own = [package, standard, os.path.join(standard, "lib-dynload"), os.path.join(sys.base_prefix, "DLLs")]
    site = sys.modules.get("site")  # loaded by Python itself, except with -S
    if site:
        own += site.getsitepackages()
        own += [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    return {_normalized(entry) for entry in own if is_absolute(entry)}


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:  # the current folder was deleted
        return ""


def _normalized(entry: str) -> str:
    return os.path.normcase(os.path.normpath(entry))


def has_token() -> bool:
    """Return whether one of the variables TOKENS is set. An empty one counts as not set."""
    return any(map(os.environ.get, TOKENS))


def forbid_core_dumps() -> None:
    """Prevent core dumps of this process, and tracing of it except by root, where the system can. Children may dump.

    A process of the same user can still read the keyring as we do. The call costs milliseconds, so git's verbs make it
    only when they take long. Rules: setrlimit(2), prctl(2).
    """
    if sys.platform == "win32":
        return
    from contextlib import suppress  # noqa: PLC0415 - see the module's docstring

    with suppress(ImportError, MemoryError, OSError, ValueError):
        import resource  # noqa: PLC0415 - not there on Windows

        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":
        with suppress(ImportError, MemoryError, OSError, AttributeError):
            import ctypes  # noqa: PLC0415 - 5 ms, and of no use elsewhere

            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
