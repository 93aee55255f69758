"""Model to provider: aliases, patterns, fallbacks."""
