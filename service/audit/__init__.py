"""The record of who did what: append-only, and each entry is bound to the one before."""
