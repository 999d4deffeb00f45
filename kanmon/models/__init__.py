"""A model's folder, its data files, and drafting a new model.yaml."""
