"""``python -m eventbus`` is the command line."""

from eventbus.cli import program

if __name__ == "__main__":
    raise SystemExit(program())
