"""What executes a model. The publisher measures engines and the service runs them, so they live with the store."""
