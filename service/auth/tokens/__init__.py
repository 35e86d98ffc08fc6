"""Access tokens: this service's own and other issuers', and the keys that verify them."""
