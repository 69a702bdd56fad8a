"""What is to be told to whom, and what becomes of each delivery; pure."""
