"""Scoring a model's rows: what the request says, what the model answers, what is told about it."""
