"""GitHub Issues as an Enterprise Server 3.19 offers them: REST at /api/v3 and at the root, no GraphQL."""
