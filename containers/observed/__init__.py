"""What the model in service was asked and answered, online and in batch."""
