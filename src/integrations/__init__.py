"""Orchestrators that sapwood can store: one module each, each an extra of the package."""
