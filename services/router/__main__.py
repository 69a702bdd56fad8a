"""``python -m services.router``"""

import sys

from services.router.app import main

if __name__ == "__main__":
    sys.exit(main())
