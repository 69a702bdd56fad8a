"""How the system is installed and run: topics, image, one desk's facts, the local stack."""
