"""git's verbs: the hot path, and modules that only some requests need."""
