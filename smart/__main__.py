"""python -m smart"""

import sys

from smart.cli import main

if __name__ == "__main__":
    sys.exit(main())
