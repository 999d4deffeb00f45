"""Releases: from a judged candidate to the model in service, and back. Rules."""
