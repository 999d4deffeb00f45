"""How a command is called and what a person sees of it."""
