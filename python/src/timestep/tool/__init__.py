"""Tools to give to agents."""
