// Package attack is MITRE ATT&CK as a typed, indexed knowledge base that knows its version, and Navigator layers made
// from it. It needs no network and no download.
//
// [Embedded] opens the facts of ATT&CK 18.1 that are compiled into the program: ids, names, tactics, platforms, aliases,
// detection strategies, analytics, log sources, and how they all relate. It opens in milliseconds, on first use. [Load]
// reads the STIX bundles that MITRE publishes instead, which adds prose: descriptions, procedures and references. The
// facts are the same. [Open] does so by way of a compiled cache beside the bundles, and [Compare] tells two versions apart.
//
//	kb, err := attack.Embedded(attack.Enterprise)
//	technique, from, err := kb.Resolve("T1086") // T1059.001, redirected from T1086
//	for _, g := range technique.Groups() { … }
//
// Three rules hold everywhere:
//
//   - Domains stay apart. Enterprise, Mobile and ICS each have tactics of the same name; a technique is in the tactics of
//     its own domain, and a layer is about one domain.
//   - Retired objects don't hide current ones. A lookup by id finds a revoked object and says which one took its place; a
//     lookup by name finds it only where no current object has that name; lists and relations leave it out.
//   - Campaigns count. What a campaign used, the groups it is attributed to used as well, as in MITRE's own library.
//
// The embedded facts are of 18.1. Of the next version the ids, names, tactics and what took the place of what are known
// beside: an id of it is said to be one, never taken for another.
//
// [KB.Guess] says which techniques the words of an alert may mean, by what was learned from public detection rules, and how
// often such a guess is right. [KB.GroupsLike] rates groups by what was observed, [KB.Understand] and [Technique.Coverage] tell what a site can detect, and
// layers for the Navigator are made, read ([ReadLayer], whatever people have), merged ([MergeLayers]) and drawn ([KB.SVG]).
//
// [Client] offers the same as operations with one input and one output each, for package gate and MCP.
//
// What the data really does where one would think otherwise is on the page behaviour.md beside this file.
//
// ATT&CK is © The MITRE Corporation and reproduced with its permission, under the licence in data/LICENSE.txt. The
// licence applies to the embedded facts and must accompany every copy, so each program that has them has it too:
// [KB.License].
package attack

//go:generate go run ./internal/gen attack -in "$ATTACK_STIX_DIR" -out data/attack.bin
//go:generate go run ./internal/gen later -in "$ATTACK_STIX_DIR" -out data/later.json
//go:generate go run ./internal/guess/bench -stix "$ATTACK_LATER_BUNDLE" -sigma "$SIGMA_TITLES" -rules "$RULES_DIR" -turns 2 -write internal/guess/guess.bin
//go:generate go run ./internal/gen wazuh -in "$WAZUH_RULES_JSON" -out internal/wazuhrules/rules.bin
