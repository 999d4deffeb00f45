"""Score: what a release says of every row of many files, and proof that none is lost."""
