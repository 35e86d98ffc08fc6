"""Where models and versions are kept: the port, and what implements it."""
