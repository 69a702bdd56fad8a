"""What a request may look like at the doors, and what becomes of it there; pure."""
