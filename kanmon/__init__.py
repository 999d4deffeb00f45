"""The command line: one room per subject; commands/ has one module per verb."""
