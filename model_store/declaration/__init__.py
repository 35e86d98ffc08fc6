"""What an owner declares of a model's columns and outputs, which beats what is inferred from the sample."""
