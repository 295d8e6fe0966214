"""A small coding agent that tells what it does through eventbus."""
