"""Whether a plan answers as the estimator that it was made of, to the last bit, and how fast."""
