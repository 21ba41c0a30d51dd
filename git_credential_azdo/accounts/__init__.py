"""Who we are: accounts, which one to take, the accounts file and where it lies."""
