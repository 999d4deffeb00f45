"""Releases: find one, decide, follow, retry, stop, roll back, and explain."""
