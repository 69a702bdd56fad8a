"""Measurements: each prints its figures and those of a peer from the same run."""
