"""Updates an installation in a process of its own, which the tests kill: ROOT REPOSITORY ROOT.JSON."""

from __future__ import annotations

import sys
from pathlib import Path

from sent.platform.errors import SentError
from sent.platform.update import api, policy
from sent.platform.update.layout import Layout
from sent.platform.update.sources import Folder


def main(root: str, repository: str, trusted: str) -> int:
    layout, source = Layout(Path(root)), Folder(Path(repository))
    print("ready", flush=True)
    try:
        rule, trust = policy.load(layout), Path(trusted).read_bytes()
        offer = api.check(layout, rule, [source], asked=True, root=trust)
        if offer is not None:
            print(api.apply(layout, offer), flush=True)
    except SentError as error:
        print(f"{error.code} {error.message}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
