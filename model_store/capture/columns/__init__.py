"""A sample's columns of every dtype, and the values of each as a batch holds them."""
