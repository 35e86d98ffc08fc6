"""`make bench`: Millrace measured next to a bare and a naive Flask service."""
