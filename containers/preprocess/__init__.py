"""Preprocess: read the snapshot's rows, check them, split them, describe them."""
