"""`python -m sent` is the same as the installed `sent`."""

from __future__ import annotations

import sys

from sent.launch import main

if __name__ == "__main__":
    sys.exit(main())
