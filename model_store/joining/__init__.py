"""Whether the requests that wait may be answered by one prediction: only where no bit of an answer depends on it."""
