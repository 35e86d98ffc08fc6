"""How Millrace is run: on one machine, and by Docker Compose."""
