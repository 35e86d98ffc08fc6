"""The routes of the wire protocols: one file a dialect."""
