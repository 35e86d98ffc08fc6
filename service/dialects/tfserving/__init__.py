"""TensorFlow Serving's dialect, and what KServe V1 adds to it."""
