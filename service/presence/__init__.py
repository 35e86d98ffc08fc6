"""Where workers of all replicas leave word of themselves, and keep what they predicted lately."""
