"""The rules of a model's life, pure, and the few gateways to what they rule over."""
