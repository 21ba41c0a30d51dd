"""Azure DevOps and Microsoft Entra on loopback. This is its map; README.md says how to use it.

``emulator``      all of it together, for a test to start
``model``         what there is: tenants, people, organizations, repositories, PATs, apps
``world``         all of that in one place, and a clock
``default_world`` the world that stands when nobody asked for another
``tokens``        the shapes of secrets, built at run time
``grants``        what Entra has handed out: codes, access and refresh tokens, device codes
``access``        whose credential a request carries, and whether it is good enough
``refusals``      the ways in which Azure DevOps says no
``azure_devops``  hosts and routes of Azure DevOps; ``rest`` and ``pats`` are its answers
``git_http``      real git over ``git http-backend``, on ``repositories``; ``lfs`` the large files beside it
``entra``         hosts and routes of Entra; ``entra_authorize``, ``entra_token``, ``entra_device`` its endpoints,
                  ``entra_scopes`` what they are asked for, ``aadsts`` their errors, ``pages`` what people see
``metadata``      the services beside a machine in Azure, and the token services of GitHub and Azure Pipelines
``other_hosts``   git servers that are not Azure DevOps Services
``faults``        what else can go wrong on the way
``messages``      one HTTP request, one response
``server``        sockets, proxy, TLS
``browser``       a person who clicks through the sign-in page
``client``        a small OAuth client for the tests of the emulator itself
``examples.json`` published recordings and specifications; ``provoke_azure_devops`` and ``provoke_entra``
                  bring each about, for a test to compare

The rules come from Microsoft's documentation and from published recordings; what no one has published is
an inference, and the line that decides it says so.
"""
