"""What executes the steps of a plan: NumPy and the extension alone, nothing of scikit-learn, SciPy or pandas."""
