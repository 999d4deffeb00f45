"""Train: learn from the prepared rows and write a model that is read without pickle."""
