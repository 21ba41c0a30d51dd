"""Who we are: accounts, which one to take, the accounts file file and where it lies."""
