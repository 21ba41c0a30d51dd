"""Where other programs keep credentials for git: each module reads one kind of place, and none writes or unlocks."""
