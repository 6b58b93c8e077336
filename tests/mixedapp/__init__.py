"""An app of a mixed project: SQL models and documents side by side."""
