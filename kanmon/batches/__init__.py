"""Batch scoring from the command line: start, follow, list and fetch batches."""
