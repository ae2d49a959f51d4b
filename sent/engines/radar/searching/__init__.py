"""Search over stored events, and the timeline of an entity."""
