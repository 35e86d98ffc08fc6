"""``python -m model_store``."""

import sys

from model_store.command_line.main import main

if __name__ == "__main__":
    sys.exit(main())
