"""Vector indexes: caches of the truth that can be rebuilt at any time."""
