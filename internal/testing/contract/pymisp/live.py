"""Adds attributes to an event of one's own MISP in batches, reads them back and
finds related events, with PyMISP, and prints what each took as JSON.

live.py URL KEY related EVENT TIMES | add EVENT COUNT | read EVENT | pages EVENT | both EVENT COUNT
"""

import json
import sys
import time
import warnings

from pymisp import PyMISP

warnings.filterwarnings("ignore")
misp = PyMISP(sys.argv[1], sys.argv[2], ssl=False)
what, event = sys.argv[3], sys.argv[4]
rows, took, begun = 0, [], time.monotonic()
if what == "related":
    for _ in range(int(sys.argv[5])):
        one = time.monotonic()
        rows = len(misp.get_event(event, pythonify=True).RelatedEvent)
        took.append(time.monotonic() - one)
elif what in ("add", "both"):
    count = int(sys.argv[5])
    for first in range(0, count, 100):
        batch = [{"type": "domain", "value": f"{i}.pymisp.example"} for i in range(first, min(first + 100, count))]
        added = misp.add_attribute(event, batch)
        rows += len(added["Attribute"])
    if what == "both":
        rows = len(misp.search(controller="attributes", eventid=event, pythonify=True))
elif what == "read":  # as one asks for all of an event's attributes
    rows = len(misp.search(controller="attributes", eventid=event, pythonify=True))
elif what == "pages":
    page = 1
    while True:
        found = misp.search(controller="attributes", eventid=event, limit=500, page=page, pythonify=True)
        rows += len(found)
        if len(found) < 500:
            break
        page += 1
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
took.append(time.monotonic() - begun) if not took else took.sort()
print(json.dumps({"Seconds": took[len(took) // 2], "MiB": peak / 1024, "Rows": rows}))
