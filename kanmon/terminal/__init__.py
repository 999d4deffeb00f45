"""How commands are called, and what they print."""
