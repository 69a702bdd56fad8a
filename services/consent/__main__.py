"""``python -m services.consent``"""

import sys

from services.consent.app import main

if __name__ == "__main__":
    sys.exit(main())
