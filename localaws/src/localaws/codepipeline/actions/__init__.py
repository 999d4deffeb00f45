"""The providers of actions: each runs one execution of an action to its end, as its role."""
