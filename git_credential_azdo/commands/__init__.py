"""The verbs: those git calls (helper) and those people call (cli and its neighbours)."""
