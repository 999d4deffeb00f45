"""A model's folder: what model.yaml may hold, and the one way to read it."""
