"""`make run` and the commands next to it: the whole stack on one machine, in the foreground."""
