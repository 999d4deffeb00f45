"""Observed: what the model in service was asked and answered, and the labels that came later."""
