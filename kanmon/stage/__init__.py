"""Stages: connecting to one, assuming its roles, the local stage."""
