"""Fixtures for every test. Databases: SQLite, and PostgreSQL when DATABASE_URL says so (`make test` runs both)."""
