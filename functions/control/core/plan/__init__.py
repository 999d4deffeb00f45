"""Planning: what starts now, and why the rest does not. A tick, over one pure rule."""
