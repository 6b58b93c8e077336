"""How Python values and objects become stored documents, and back: pure, no server needed."""
