"""Torture: verbs that are killed, interrupted, refused and stopped at every point. ``scripts/torture`` prints the figures.

``bench`` (a home with accounts in either vault, put back for each point), ``verbs`` (what is run), ``kills`` (a signal
before each call that changes something), ``faults`` (what fails or hangs), ``storms`` (many at once). Linux, with strace.
"""
