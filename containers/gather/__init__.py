"""The step that runs a model's gather.py and stores what it wrote as the model's data."""
