"""The page of a monitoring: one HTML file in the style of the review page."""
