"""python -m smart"""

import sys

from smart.cli import main
from smart.threads import wait_in_peace

if __name__ == "__main__":
    wait_in_peace()
    sys.exit(main())
