"""What runs in the environments of other servers; it can import nothing of this project."""
