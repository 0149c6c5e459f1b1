"""The same as `stance data build`, for those who start from a script."""

import sys

from stance.cli import main

if __name__ == "__main__":
    sys.exit(main(["data", "build", *sys.argv[1:]]))
