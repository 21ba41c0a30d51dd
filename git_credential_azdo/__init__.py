"""Git credential helper for Azure DevOps. This docstring is the map of the package.

Entry
  ``__main__``   runs one command; turns exceptions into one line on stderr and an exit code
  ``inherited``  makes search paths, secrets in the environment and core dumps safe before anything else is imported
  ``deadline``   the time limit of a run (AZDO_TIMEOUT), work that may hang, deferred signals

Verbs
  ``helper/``    git's verbs, the hot path: ``verbs`` (all of them; ``store`` and ``erase`` of our own tokens), ``answer``
                 (``get``), ``stored`` (credentials that git stores with us), ``reasons`` (why there is no credential)
  ``commands/``  people's verbs, one module each (``cli`` lists them; ``console`` prints and asks)

Tokens
  ``tokens``     the live token in the vault, or None; ``refresh`` gets the next one, under the account's lock
  ``signin/``    the first token: OAuth, Entra and its errors, browser, pasted redirect, device code, workload identities
  ``devops/``    Azure DevOps REST: ``api`` (identity, organizations, tenant), ``pats`` (create, list, revoke), and what
                 the error codes of each mean

State
  ``accounts/``  ``account``, ``accounts_file`` (the format), ``update`` (writes it and the secrets), ``save`` (new accounts,
                 and names on the command line), ``choice`` (which account answers), ``environment`` (tokens in variables)
  ``vault/``     secrets: ``vaults`` (the only entry point, and the file vault), ``system`` (keyring), and what
                 reads without keyring: ``secret_service``, ``credential_manager`` (Windows), ``keychain`` (macOS);
                 ``journal``: the names of all entries
  ``files``      where our files are, which to trust, and reading them; ``writing``: writing them, and locks between
                 processes

Other programs
  ``git/``       ``protocol`` (key=value messages), ``target`` (which organization, and every Microsoft host that a
                 token may be sent to), ``config`` (reads git's configuration), ``install`` (writes it), ``helpers`` (other
                 credential helpers), ``network`` (git's proxy and certificates)
  ``web``        the only HTTP client, and what it returns; ``connection``: addresses and certificate authorities;
                 ``proxy``: which one applies, and why a host was not reached
  ``programs``   starts all other programs

Messages
  ``errors``     the exceptions, text made safe to show and to run, and the lines of AZDO_TRACE; ``hints``: every
                 command and page that a message names

A module imports only from its own layer and those to the left: errors, files, programs, hints < git < vault, web <
accounts < signin, devops < tokens < refresh < helper < commands < __main__. Importing a package never loads its modules:
every package's ``__init__`` holds only a docstring.
"""

__version__ = "0.2.0"
