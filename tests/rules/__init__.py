"""Tests of what holds for the whole house, whichever room it happens in."""
