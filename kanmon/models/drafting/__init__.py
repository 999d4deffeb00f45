"""Drafts a model.yaml from a table of data."""
