"""Git credential helper for Azure DevOps. This page is the map of the house.

``__main__``   the front door: argv to one command, exceptions to one line on stderr
``inherited``  what comes with the environment: search paths and secrets, made safe before anything is imported
``programs``   every program that we start: found, bounded, ended, and without our secrets
``errors``     what can go wrong, by whose fault; the one line that is printed, and what a terminal may be given
``hints``      every command and page that we tell people; ``shell`` quotes them
``git/``       what git says and what we tell it: messages, remotes, configuration
``accounts/``  who we are: accounts, which one to take, the accounts file and where it lies
``vault/``     where secrets are kept: the OS keyring, or a file on consent
``signin/``    how a token is got: OAuth, Entra, the browser and the pasted answer
``tokens``     a live token for this account and tenant: vault, lock, refresh; ``renewal`` and ``renewal_workload``
               ask for the next one and are loaded by it when one is due
``devops``     Azure DevOps REST: who am I, which organizations, is this token good (``devops_codes``: its refusals)
``pats``       Azure DevOps REST: personal access tokens made, listed and revoked (``pat_errors``: its refusals)
``web``        the one HTTP client, and ``trust``, whose certificates it believes
``deadline``   the time that a run may take in all, and the end of one that is over it; ``hardening``: no core dumps
``bounded``    work that may hang, in a thread of its own
``files``      read within bounds; ``ownership``: which of ours are believed; ``writing``: ours, written whole
``lock``, ``signals``  locks between processes (``lock_file``: where there are none), signals that wait
``commands/``  the verbs: those git calls (``helper``) and those people call

Imports run downwards only: inherited, errors, shell, hints, deadline, ownership, files, writing, programs, lock <- git <- accounts, vault, trust,
web <- signin, devops, pats <- tokens <- renewal <- commands <- __main__. Importing a room never loads its neighbours:
every room's ``__init__`` holds only its docstring.
"""

__version__ = "0.1.0"
