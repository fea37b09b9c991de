package attack_test

import (
	"testing"

	"github.com/sallyport-soc/sallyport/internal/behaviour"
)

var (
	bundle18 = behaviour.Running("ATT&CK 18.1 bundles read with mitreattack-python 6.3.1")
	galaxy19 = behaviour.Source("MISP/misp-galaxy, clusters of ATT&CK 19, 2026-04")
	format45 = behaviour.Source("mitre-attack/attack-navigator, layers/spec/v4.5/layerformat.md")
	ruleset  = behaviour.Source("wazuh/wazuh v4.14.7, ruleset/rules")
)

func known(w ...behaviour.Witness) []behaviour.Witness { return w }

// behaviours are what MITRE's data and its neighbours do.
var behaviours = behaviour.Table{
	Platform: "ATT&CK data",
	Intro:    "For whoever reads MITRE's bundles, writes Navigator layers, or joins them with rules. There is no fake: the tests run on the data itself.",
	Rows: []behaviour.Row{
		{
			Group: behaviour.Search, Versions: "18.1", Known: known(bundle18), Surprising: true,
			Does:   "No data component detects a technique any more: that goes from the technique to its detection strategy, the strategy's analytics, their log sources, and from there to the component.",
			Client: "Coverage and data sources follow that chain, and the direct relation in bundles of 17 and before.",
			Test:   "TestDetectionGoesFromStrategiesToLogSources",
		},
		{
			Group: behaviour.Search, Versions: "18.1", Known: known(bundle18), Surprising: true,
			Does:   "41 techniques in force have a strategy and analytics, and no log source at all, so that nothing can cover them.",
			Client: "They count as unobservable, apart from what isn't covered, and the legend of a layer says so.",
			Test:   "TestCoverageLayerScores",
		},
		{
			Group: behaviour.Search, Versions: "18.1", Known: known(bundle18), Surprising: true,
			Does:   "What a campaign used isn't among what the group used that the campaign is attributed to: APT29 has 66 techniques of its own and 119 with its campaigns.",
			Client: "A group has the techniques and software of its campaigns, and each says through which.",
			Test:   "TestCampaignTechniquesCountForTheirGroups",
		},
		{
			Group: behaviour.Search, Versions: "18.1", Known: known(bundle18), Surprising: true,
			Does:   "Ids aren't unique: 224 ids of techniques are also those of deprecated mitigations, such as T1078.",
			Client: "An id is looked up within its kind, and of two objects of a kind the one in force comes first.",
			Test:   "TestOneIDForTwoObjectsMeansTheOneInForce",
		},
		{
			Group: behaviour.Search, Versions: "18.1", Known: known(bundle18), Surprising: true,
			Does:   "An alias may be the name of another: Thrip is a group of its own and an alias of Lotus Blossom.",
			Client: "The name comes before the alias, and the answer names who else has it.",
			Test:   "TestAliasThatTwoHaveIsSaid",
		},
		{
			Group: behaviour.Search, Versions: "18.1", Known: known(bundle18),
			Does:   "An alias may be one of two objects alike, as UAC-0056 of Ember Bear and Saint Bear.",
			Client: "That is refused as ambiguous, with the ids to choose from.",
			Test:   "TestAliasOfTwoGroupsIsAmbiguous",
		},
		{
			Group: behaviour.List, Versions: "18.1", Known: known(bundle18), Surprising: true,
			Does:   "Tactics of Enterprise, Mobile and ICS share short names, and a kill chain phase names nothing else, so that joining by it mixes the domains.",
			Client: "A technique is in the tactics of its own domain.",
			Test:   "TestDomainsStayApart",
		},
		{
			Group: behaviour.List, Versions: "18.1", Known: known(bundle18),
			Does:   "The order of tactics is that of the matrix object's references; the file has them in another.",
			Client: "Tactics are listed in the order of their matrix.",
			Test:   "TestTacticsAreInTheOrderOfTheirMatrix",
		},
		{
			Group: behaviour.List, Versions: "18.1", Known: known(bundle18), Surprising: true,
			Does:   "Bundles of different domains share objects and relationships, so that adding up counts them twice.",
			Client: "What several bundles have counts once, by its STIX id.",
			Test:   "TestSharedRelationsCountOnce",
		},
		{
			Group: behaviour.List, Versions: "18.1", Known: known(bundle18),
			Does:   "The deprecated tactics of Mobile, TA0038 and TA0039, are in the bundle beside those in force.",
			Client: "Lists leave them out; asked for by id they are flagged as deprecated.",
			Test:   "TestDeprecatedTacticIsFlagged",
		},
		{
			Group: behaviour.Delete, Versions: "18.1", Known: known(bundle18), Surprising: true,
			Does:   "A revoked object stays under its id and name; what took its place stands in a relationship of its own, which may lead to one that was revoked in turn.",
			Client: "An id or name of a revoked object is followed to the one in force, and the answer says from where.",
			Test:   "TestEveryRevocationEndsAtAnObjectThatIsNotRevoked",
		},
		{
			Group: behaviour.Delete, Versions: "18.1", Known: known(bundle18), Surprising: true,
			Does:   "Two revoked techniques may have one name and one successor, as DLL Side-Loading.",
			Client: "Revocations are followed before names are called ambiguous.",
			Test:   "TestNameOfRevokedTechniquesWithOneSuccessorLeadsThere",
		},
		{
			Group: behaviour.Versions, Versions: "19", Known: known(galaxy19, behaviour.Source("SigmaHQ/sigma 8eaafff1f, tags of rules")), Surprising: true,
			Does:   "The tactic TA0005 keeps its id and is renamed from Defense Evasion to Stealth; TA0112 Defense Impairment gets part of its techniques. No relationship tells.",
			Client: "The earlier and the later name lead to the tactic, with a note, and never to Mobile's, which keeps the earlier one.",
			Test:   "TestRenamedTacticIsFollowedByOldAndNewName",
		},
		{
			Group: behaviour.Versions, Versions: "19", Known: known(galaxy19), Surprising: true,
			Does:   "T1562 and its sub-techniques are revoked in favour of T1685 to T1690, three of them by T1685 alone, so that going back has no one answer.",
			Client: "On data of 18 an id of 19 is said to be one, with those whose place it took; a rule that names it counts for these.",
			Test:   "TestEverythingThatVersion19HasIsKnown",
		},
		{
			Group: behaviour.Versions, Versions: "16 to 18.1", Known: known(bundle18),
			Does:   "Platforms are renamed without a trace: Azure AD, Office 365, Google Workspace and Network are no longer there.",
			Client: "The earlier names are translated, and the answer says so.",
			Test:   "TestPlatformsOfEarlierVersionsAreTranslated",
		},
		{
			Group: behaviour.Write, Versions: "layer format 3.0 to 4.5", Known: known(format45, behaviour.Running("mitreattack-python 6.3.1")), Surprising: true,
			Does:   "A layer needs a name and a domain only; scores may have fractions; a file of the Navigator may be a list of layers; MITRE's own library cuts fractions off and refuses customDataURL.",
			Client: "All of that is read and kept, and what was changed for it is told.",
			Test:   "TestLayersAreReadAsPeopleHaveThem",
		},
		{
			Group: behaviour.Write, Versions: "layer format 4.4", Known: known(behaviour.Source("SigmaHQ/sigma, other/sigma_attack_nav_coverage.json")),
			Does:   "Layers that people share name techniques of another ATT&CK than the reader's.",
			Client: "The drawing has them in a column of their own.",
			Test:   "TestLayerWithAnUnknownIDIsDrawnWithoutIt",
		},
		{
			Group: behaviour.Errors, Versions: "Wazuh 4.14.7", Known: known(ruleset), Surprising: true,
			Does:   "45 stock rules name a tactic where a technique's id belongs, and one the variable $(threat.software.id) as it is.",
			Client: "Tactics are answered as tactics, and the variable is said to be one.",
			Test:   "TestRuleThatNamesATacticAnswersIt",
		},
	},
}

func TestBehaviourPage(t *testing.T) {
	behaviour.Check(t, behaviours, "behaviour.md", "soc")
}
