"""Tests of one room of the package."""
