"""What the steps share: where things lie, what the run plan says, how a step ends."""
