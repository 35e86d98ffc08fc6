"""What the workers of all replicas say of themselves: where they leave word, and who serves which version."""
