"""Body formats: bytes to columns and back, one format a file."""
