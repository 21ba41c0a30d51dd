"""Tests of git-credential-azdo."""
