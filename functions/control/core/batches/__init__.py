"""Batch scoring: what may be scored, its plan, and the proof that all of it was scored once."""
