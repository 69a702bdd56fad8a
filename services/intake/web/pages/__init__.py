"""The people's door: the Assistance page, its forms, and the desk's page for calls."""
