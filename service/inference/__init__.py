"""The line that answers a prediction."""
