"""SageMaker of the local stage: Processing jobs and the model registry."""
