"""The database: connections, the schema's migrations, and leases. Packages declare their own tables."""
