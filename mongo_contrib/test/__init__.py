"""Test tools for projects that use mongo_contrib, and for our own suite."""
