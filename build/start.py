"""The packaged program's first script: nothing but the launcher, so that a worker stays small."""

from __future__ import annotations

import os
import sys

from sent.launch import main
from sent.platform.surroundings import restore

restore(os.environ)
sys.exit(main())
