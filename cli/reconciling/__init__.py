"""Matching the remote tool's report with the authorization log."""
