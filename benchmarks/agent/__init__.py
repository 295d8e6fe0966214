"""What it costs to tell of coding agents: their sessions, and recordings of them."""
