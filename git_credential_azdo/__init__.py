"""Git credential helper for Azure DevOps. This page is the map of the house.

``__main__``   the front door: argv to one command, exceptions to one line on stderr
``errors``     what can go wrong, by whose fault
``git/``       what git says and what we tell it: messages, remotes, configuration
``accounts/``  who we are: accounts, which one to take, the registry file and where it lies
``vault/``     where secrets are kept: the OS keyring, or a file on consent
``signin/``    how a token is got: OAuth, Entra, the browser and the pasted answer
``tokens``     a live token for this account and tenant: vault, lock, refresh (``renewal`` asks for the next one)
``devops``     Azure DevOps REST: who am I, which organizations, is this token good
``pats``       Azure DevOps REST: personal access tokens made, listed and revoked
``web``        the one HTTP client, and ``trust``, whose certificates it believes
``files``, ``lock``  private files written whole, and locks between processes
``importing/`` what other helpers keep, found and read
``commands/``  the verbs: those git calls (``helper``) and those people call

Imports run downwards only: errors <- git <- accounts, vault, web <- signin, devops <- tokens <- commands
<- __main__. Importing a room never loads its neighbours: every package ``__init__`` holds only its docstring.
"""

__version__ = "0.1.0"
