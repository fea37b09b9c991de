"""Does with PyMISP what analysts do every day, and prints what came of it as JSON."""

import json
import sys
import warnings

from pymisp import MISPEvent, MISPObject, MISPSighting, PyMISP

warnings.filterwarnings("ignore")
misp = PyMISP(sys.argv[1], sys.argv[2], ssl=False)
out = {}


def values(**query):
    found = misp.search(controller="attributes", pythonify=True, **query)
    return sorted(f"{a.type} {a.value}" for a in found)


def events(**query):
    return sorted(str(e.info) for e in misp.search(controller="events", pythonify=True, metadata=True, **query))


def tags(attribute):
    return sorted(t.name for a in misp.search(controller="attributes", pythonify=True, uuid=attribute.uuid) for t in a.tags)


out["search by value"] = values(value="198.51.100.23")
out["search by part"] = values(value="parcel%")
out["search in other case"] = values(value="PARCEL-NOTICE.EXAMPLE")
out["search by half of a composite"] = values(value="notice.iso")
out["search by type"] = values(type_attribute="domain")
out["search by tag"] = values(tags=["tlp:amber"])
out["search without a tag"] = values(type_attribute="domain", tags=["!tlp:amber"])
out["search for detection"] = values(to_ids=0)
out["search events"] = events(eventinfo="Phishing%")
out["page of a search"] = len(misp.search(controller="attributes", pythonify=True, limit=4, page=2))

event = MISPEvent()
event.info, event.distribution, event.threat_level_id, event.analysis = "Made by PyMISP", 0, 2, 0
event.add_attribute("domain", "made.example", to_ids=True)
event.add_tag("tlp:green")
made = misp.add_event(event, pythonify=True)
out["event"] = [made.info, [a.value for a in made.attributes], [t.name for t in made.tags]]

made.info = "Changed by PyMISP"
changed = misp.update_event(made, pythonify=True)
out["event, changed"] = changed.info

attribute = misp.add_attribute(made, {"type": "ip-dst", "value": "203.0.113.77", "comment": "seen"}, pythonify=True)
out["attribute"] = [attribute.type, attribute.value, attribute.category]
again = misp.add_attribute(made, {"type": "ip-dst", "value": "203.0.113.77"}, pythonify=True)
out["attribute, again"] = again["errors"][0] if isinstance(again, dict) else "taken"
attribute.comment = "seen twice"
out["attribute, changed"] = misp.update_attribute(attribute, pythonify=True).comment

misp.tag(attribute, "tlp:amber")
out["attribute, tagged"] = tags(attribute)
misp.untag(attribute, "tlp:amber")
out["attribute, untagged"] = tags(attribute)

sighting = MISPSighting()
sighting.from_dict(value="203.0.113.77", type="0", source="proxy")
misp.add_sighting(sighting)
found = misp.search(controller="attributes", pythonify=True, value="203.0.113.77", include_sightings=True)
out["sightings"] = [[s.source, str(s.type)] for a in found for s in a.sightings]

o = MISPObject("domain-ip", standalone=False)
o.add_attribute("domain", value="object.example")
o.add_attribute("ip", value="203.0.113.78")
added = misp.add_object(made, o, pythonify=True)
if isinstance(added, dict):
    print(added, file=sys.stderr)
out["object"] = [added.name, sorted(a.value for a in added.attributes)]

hits = misp.values_in_warninglist(["8.8.8.8", "203.0.113.77"])
out["warninglist"] = sorted(hits) if isinstance(hits, dict) else []

misp.publish(made)
out["published"] = bool(misp.get_event(made, pythonify=True).published)
misp.delete_attribute(attribute)
out["attribute, deleted"] = values(value="203.0.113.77")
misp.delete_event(made)
out["event, deleted"] = misp.event_exists(made)
print(json.dumps(out))
