"""Runs side by side: what differs, and the difference of their metrics on the same test rows."""
