"""Models on disk: their folders, their data, and the first draft of a model.yaml."""
