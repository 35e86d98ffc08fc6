"""What a version is compared with later: golden answers, and the profile of its sample."""
