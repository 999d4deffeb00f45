"""Preprocess: read, check, split and describe the rows of the snapshot."""
