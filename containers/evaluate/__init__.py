"""Evaluate: hold candidate and champion to the same test rows and say all there is to say."""
