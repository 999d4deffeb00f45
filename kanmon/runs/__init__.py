"""Runs: start one, follow it, find it again, show how it ended."""
