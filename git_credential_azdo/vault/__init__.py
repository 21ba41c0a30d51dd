"""Where secrets are kept: the OS keyring, or a file when the person said so."""
