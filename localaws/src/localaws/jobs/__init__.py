"""Processing jobs that really run: inputs, the step's own process, outputs, as SageMaker does."""
