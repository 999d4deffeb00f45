"""What work costs: prices, what was used, what it came to, and what the next will come to."""
