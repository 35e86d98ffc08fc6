"""Versions are published, imported, promoted, rolled back and retired."""
