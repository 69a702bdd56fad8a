"""The authorization log, measured: appends beside three peers, the assistant's screen, proofs."""
