"""Signing in at a browser, for each entrance: cookies, the way in and out, and refusals."""
