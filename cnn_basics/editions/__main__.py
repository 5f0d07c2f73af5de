"""`python -m cnn_basics.editions`: see `command`."""

import sys

from cnn_basics.editions.command import main

sys.exit(main(sys.argv[1:]))
