"""`make bench`: Millrace measured next to an empty Flask view and naive services."""
