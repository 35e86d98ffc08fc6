"""The Compose stack's scripts, and what it needs once."""
