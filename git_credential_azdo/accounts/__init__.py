"""Accounts: the accounts file, and which account answers a request."""
