"""A model's folder: what model.yaml may say, and the one way to read it."""
