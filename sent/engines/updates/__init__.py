"""Updates of this installation, as its operator sees them."""
