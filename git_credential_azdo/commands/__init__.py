"""People's verbs: ``cli`` lists them, and each has a module of its own. git's verbs are in ``helper``."""
