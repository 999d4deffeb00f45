"""Runs: open one, lock its model, close it, report its failure."""
