"""Libraries that people use for the same work, each at its best settings."""
