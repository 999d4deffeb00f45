"""A model's metric over all its runs and releases: as a table, on the console, and as an SVG."""
