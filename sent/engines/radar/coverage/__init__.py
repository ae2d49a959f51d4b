"""Which techniques of ATT&CK the rules look for."""
