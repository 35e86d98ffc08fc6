"""The models in this worker's memory."""
