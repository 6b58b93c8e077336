"""Django's query sets over MongoDB: look-ups become MQL, documents become instances."""
