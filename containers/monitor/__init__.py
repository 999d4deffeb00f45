"""Monitor: what the model in service answered, against what it was trained and tested on."""
