"""What a DPO asks of the system about one person: find, erase, give access."""
