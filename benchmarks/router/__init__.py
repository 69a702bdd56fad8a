"""How fast requests become tickets, beside other ways to write the same router."""
