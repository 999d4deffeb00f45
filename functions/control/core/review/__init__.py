"""The review page: what a person reads before approving a candidate."""
