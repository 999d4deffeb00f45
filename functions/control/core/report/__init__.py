"""Reporting: each fact once, on the stage's bus, as mail and as chat. Pure."""
