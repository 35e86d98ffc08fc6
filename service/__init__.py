"""The life of a request: from bytes to a chosen model's answer and back."""
