"""The assistants' page: signing in, their sessions, and what they may do in each."""
