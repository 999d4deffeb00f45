"""Train: learn from the prepared rows, leave a model that needs no pickle to be read."""
