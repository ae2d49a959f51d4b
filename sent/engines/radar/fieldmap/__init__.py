"""Field mappings: the steps between an event as it arrives and as rules see it."""
