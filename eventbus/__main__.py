"""``python -m eventbus`` is the command line."""

from eventbus.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
