"""git: its messages and addresses, its configuration read and written, its other credential helpers."""
