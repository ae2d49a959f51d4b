"""The rules of an organisation: sets, own ones, trying them, what they need."""
