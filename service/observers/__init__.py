"""What takes note of predictions and loads: counts, drift, ground truth, payloads and spans."""
