"""Who is asking, what they may do, how much of it, and a record of it. No Flask."""
