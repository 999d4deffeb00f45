"""Scoring rows with the release in service."""
