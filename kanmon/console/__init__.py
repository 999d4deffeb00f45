"""`kanmon console`: models, runs and releases as web pages, on this machine only."""
