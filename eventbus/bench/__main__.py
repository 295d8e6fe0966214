"""How one contender runs in a process of its own.

``python -m eventbus.bench MODULE CONTENDER SHARE`` prints one line of JSON.
"""

from __future__ import annotations

import sys

from eventbus.bench._contest import run_one

if __name__ == "__main__":
    module, contender, share = sys.argv[1:]
    sys.stdout.write(run_one(module, contender, float(share)) + "\n")
