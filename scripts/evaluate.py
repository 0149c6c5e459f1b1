"""The same as `stance evaluate`, for those who start from a script."""

import sys

from stance.cli import main

if __name__ == "__main__":
    sys.exit(main(["evaluate", *sys.argv[1:]]))
