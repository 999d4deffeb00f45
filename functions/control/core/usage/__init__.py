"""What the steps used of their machines, and which machine would have done."""
