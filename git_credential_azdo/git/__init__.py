"""git: its messages and URLs, reading and editing its configuration, and its other credential helpers."""
