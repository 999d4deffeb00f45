"""Monitorings: what is watched of a model in service, what comes of it, and its page."""
