"""The outside world that takes deliveries."""
