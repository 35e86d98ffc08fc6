"""Whether what is served is what the publisher's estimator answers."""
