"""The same as `stance predict`, for those who start from a script."""

import sys

from stance.cli import main

if __name__ == "__main__":
    sys.exit(main(["predict", *sys.argv[1:]]))
