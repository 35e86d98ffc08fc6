"""What Millrace measures of itself: the catalogue of metrics, where their values are kept, and how they are shown."""
