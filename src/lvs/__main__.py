"""`python -m lvs` is `lvs`."""

import sys

from lvs.cli import main

if __name__ == "__main__":
    sys.exit(main())
