"""The wire protocols, each as functions from bytes to rows and from answers to bytes. No Flask, no models."""
