"""Gateways: the only code that knows the stage's bucket, table, registry, pipeline and topic."""
