"""API keys with roles, a rate limit for each, and the audit log."""
