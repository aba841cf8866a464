"""python -m smart"""

import sys

from smart.cli import main
from smart.threads import wait_briefly

if __name__ == "__main__":
    wait_briefly()
    sys.exit(main())
