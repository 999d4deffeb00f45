"""What the steps share: the run plan, the folders, the reports, and how a step starts and ends."""
