"""`kanmon console`: the same verbs as small pages, on this machine only."""
