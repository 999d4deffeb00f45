"""Score a model's rows: read the request, answer it, log it and capture a sample."""
