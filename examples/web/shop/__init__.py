"""A small web shop that tells what it does through eventbus."""
