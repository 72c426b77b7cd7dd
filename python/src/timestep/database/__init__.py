"""The database: where it is, its connections, its schema."""
