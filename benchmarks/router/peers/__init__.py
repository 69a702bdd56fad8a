"""Other ways to write a router: each reads requests and writes tickets, as its users would."""
