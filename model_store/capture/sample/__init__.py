"""Sample rows, from callers and from files."""
