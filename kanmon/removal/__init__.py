"""Removing a stage or a model whole: find all of it, remove it in order, ask whether it is gone."""
