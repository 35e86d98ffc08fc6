"""Secrets: how they are made, kept in files and in the database, and compared."""
