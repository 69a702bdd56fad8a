"""Values and decisions about remote sessions; no I/O, clock or random."""
