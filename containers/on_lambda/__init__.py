"""A step as a Lambda function: the contract of SageMaker Processing, under /tmp."""
