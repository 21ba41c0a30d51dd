"""Who we are: accounts, which one to take, the registry file and where it lies."""
