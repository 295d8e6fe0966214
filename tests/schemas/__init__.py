"""The ready-made event types, and the readers of recorded agent sessions."""
