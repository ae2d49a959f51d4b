"""What brings payloads in, and what passes them on to other workers."""
