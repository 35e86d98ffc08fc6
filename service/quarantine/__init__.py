"""When a version has harmed so much that it is taken out of service."""
