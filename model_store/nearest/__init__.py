"""Points whose nearest to a row are found: how they are packed, and how they are searched."""
