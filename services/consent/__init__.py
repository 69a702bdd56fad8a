"""Remote sessions: who authorized what on a workstation, and the proof of it."""
