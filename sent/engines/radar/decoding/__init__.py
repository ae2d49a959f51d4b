"""From payloads to events."""
