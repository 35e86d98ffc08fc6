"""Sets of decision trees as arrays: packed when a model is published, walked when it is served."""
