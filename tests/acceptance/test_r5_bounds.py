"""R5: what senders of ever new values and patterns made to hang cost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from sent.engines.radar.match.engine import ValueMatcher
from sent.engines.radar.match.patterns import PatternSet
from sent.engines.radar.model import Route
from sent.engines.radar.sigma.ruleset import parse_rules

MANY = """
import json, sys
from pathlib import Path
from sent.engines.radar.sigma.reading import read_rules
from sent.engines.radar.sigma.logsource import windows_route
from sent.engines.radar.match.engine import ValueMatcher

matcher = ValueMatcher(read_rules(Path(sys.argv[1])).rules)
names = ("CommandLine", "Image", "ParentImage", "ParentCommandLine", "OriginalFileName", "User",
         "CurrentDirectory", "Hashes", "Company", "Description")
routes = [windows_route("Microsoft-Windows-Sysmon/Operational", 1), windows_route("Security", 4624)]
matcher.prepare([*routes, *(windows_route("Microsoft-Windows-Sysmon/Operational", n) for n in range(2, 30))])
for number in range(200_000):
    fields = {name: f"C:\\\\Users\\\\u{number}\\\\{name}.exe -k {number * 7919:x}" for name in names}
    fields["EventID"] = "1"
    matcher.fired(fields, routes[0])
status = Path("/proc/self/status").read_text()
# What getrusage says begins with what the process had that started this one.
peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
print(json.dumps({"peak_mb": peak, "forgotten": matcher.memory.forgotten}))
"""

HANGING = """
title: made to hang
id: 00000000-0000-4000-8000-000000000001
logsource: {category: test}
detection:
  selection:
    A|re: '(a+)+$'
  other:
    B|re: '(x+x+)+y'
  condition: selection or other
"""


def test_r5_two_million_distinct_values_stay_below_400_mb(test_data: Path) -> None:
    rules = test_data / "sigma" / "rules.tar.gz"
    done = subprocess.run(
        [sys.executable, "-c", MANY, str(rules)], capture_output=True, text=True, timeout=110, check=True
    )
    found = json.loads(done.stdout)
    assert found["forgotten"] > 0, "the bound was reached"
    assert found["peak_mb"] <= 400, found


def test_r5_a_pattern_made_to_hang_does_not() -> None:
    (rule,) = parse_rules([("hang.yml", HANGING, "")]).rules
    matcher = ValueMatcher([rule])
    for number in range(5):
        for text in ("a" * 100_000 + "!", "x" * 100_000):
            began = time.process_time()
            matcher.fired({"A": f"{text}{number}", "B": text}, Route(None, frozenset({"test"})))
            assert time.process_time() - began < 0.1
    assert PatternSet([]).matching("a" * 100_000) == []
