"""What the service does when somebody acts, an event comes, or time passes; always by the log."""
