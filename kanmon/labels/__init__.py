"""Labels: what really happened, new data from them, and forgetting people's rows."""
