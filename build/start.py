"""The packaged program's first script: nothing but the launcher, so that a worker stays small."""

from __future__ import annotations

import sys

from sent.launch import main

sys.exit(main())
