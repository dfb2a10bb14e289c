"""The database: one schema for SQLite and PostgreSQL, its migrations and its transactions."""
