"""Planning: what starts by itself and why, and the models that are paused."""
