"""`aiguillage explain` and `aiguillage ticket`: why a request is where, and what became of it."""
