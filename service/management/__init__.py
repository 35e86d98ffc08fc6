"""What the gunicorn master tells of its replica."""
