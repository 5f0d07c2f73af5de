"""Trains from the shell: ``python -m cnn_basics.training --help``."""

import sys

from cnn_basics.training.command import main

if __name__ == "__main__":
    sys.exit(main())
