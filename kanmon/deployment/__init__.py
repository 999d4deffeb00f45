"""Putting the platform on a stage, and checking beforehand that it can go there."""
