"""Asks the model in service to score rows."""
