"""The DPO's page: what the log has, read only, and each reading on record first."""
