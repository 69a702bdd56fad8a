"""The four services; none imports or calls another."""
