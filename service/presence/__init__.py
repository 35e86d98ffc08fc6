"""Which workers there are: what each says of itself, where all replicas read it."""
