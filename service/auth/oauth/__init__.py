"""The token endpoint: clients proved by their secret, tokens issued, refreshed, revoked and introspected."""
