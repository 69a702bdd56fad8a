"""What the consent service keeps in MongoDB."""
