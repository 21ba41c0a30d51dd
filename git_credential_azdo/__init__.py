"""Git credential helper for Azure DevOps. This page is the map: where to look for what.

Entry
  ``__main__``   argv to one command, exceptions to one line on stderr and an exit code
  ``inherited``  search paths, secrets in the environment and core dumps, made safe before anything else is imported
  ``deadline``   the time limit of a run (AZDO_TIMEOUT), work that may hang, deferred signals

Verbs
  ``helper/``    git's verbs, the hot path: ``verbs`` (the three, and our own tokens in ``store`` and ``erase``), ``answer``
                 (a ``get``), ``stored`` (credentials that git stores with us), ``reasons`` (why there is none)
  ``commands/``  people's verbs, one module each (``cli`` lists them; ``console`` prints and asks)

Tokens
  ``tokens``     the live token in the vault, or None; ``refresh``: the next one, under the account's lock
  ``signin/``    the first token: OAuth, Entra and its errors, browser, pasted redirect, device code, workload identities
  ``devops/``    Azure DevOps REST: ``api`` (identity, organizations, tenant), ``pats`` (make, list, revoke), and what the
                 error codes of each mean

State
  ``accounts/``  ``account``, ``accounts_file`` (the format), ``update`` (it and the secrets, written), ``save`` (new accounts,
                 and what a person names), ``choice`` (which account answers), ``environment`` (tokens in variables)
  ``vault/``     secrets: ``vaults`` (the one door, and the file vault), ``system`` (keyring), and what
                 reads without it: ``secret_service``, ``credential_manager`` (Windows), ``keychain`` (macOS);
                 ``journal``: the names of all entries
  ``files``      where our files are, which to trust, and reading them; ``writing``: writing them, and locks between
                 processes

Outside
  ``git/``       ``protocol`` (key=value messages), ``target`` (which organization, and every host of Microsoft's that a
                 token may be sent to), ``config`` (git's configuration, read), ``install`` (written), ``helpers`` (other
                 credential helpers), ``network`` (git's proxy and certificates)
  ``web``        the one HTTP client, and what it returns; ``connection``: addresses and certificate authorities;
                 ``proxy``: which one, and why a host was not reached
  ``programs``   every program that we start

Words
  ``errors``     the kinds of failure, text made safe to show and to run, and the lines of AZDO_TRACE; ``hints``: every
                 command and page that a message names

Imports run downwards only: errors, files, programs, hints < git < vault, web < accounts < signin,
devops < tokens < refresh < helper < commands < __main__. Importing a package never loads its modules: every package's
``__init__`` holds only a docstring.
"""

__version__ = "0.2.0"
