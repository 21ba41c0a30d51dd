"""Secrets: in the OS keyring, or in a file by request."""
