"""Models to try Millrace with."""
