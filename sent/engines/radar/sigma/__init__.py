"""Sigma rules: from YAML to conditions one can evaluate and explain (pure)."""
