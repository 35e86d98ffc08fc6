"""`make bench`: Millrace measured beside a bare and a naive Flask service."""
