"""AWS's JSON protocol for the services of our own: requests, errors, pages, each once."""
