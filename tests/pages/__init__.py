"""Pages that are made from the program itself, so that they cannot go stale: ``scripts/pages`` writes them."""
