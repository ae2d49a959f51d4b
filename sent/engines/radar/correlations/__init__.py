"""Correlations: sliding windows in event time, in the worker and in a scan."""
