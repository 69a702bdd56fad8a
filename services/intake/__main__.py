"""``python -m services.intake``"""

import sys

from services.intake.app import main

if __name__ == "__main__":
    sys.exit(main())
