"""What estimators made of others do with the answers of those."""
