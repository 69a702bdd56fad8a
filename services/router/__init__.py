"""Router: puts every request into one queue, and says why."""
