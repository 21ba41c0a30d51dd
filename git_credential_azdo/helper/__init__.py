"""git's verbs: the hot path, and what of it only some requests need."""
