"""`make run` and the commands beside it: the whole stack on one machine, in the foreground."""
