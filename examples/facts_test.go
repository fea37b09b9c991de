package examples_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/behaviour"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// What programs that were written from the documentation alone ran into, and the tests
// that hold it.
var programs = map[string][]string{
	"F1 an iterator skips when the loop changes what it walks": {"TestAWalkGivesEachRowOnceWhateverTheProgramDoesMeanwhile", "TestEveryListHasAnIterator", "TestAWalkByKeySeesEachRowOnceWhileTheListChanges"},
	"F2 a repeated call is the old answer without a word":      {"TestARepeatedCallOfAProgramIsATypedErrorBesideTheFirstAnswer", "TestARepeatedCallOfAnotherProcessIsGivenTheIDs"},
	"F3 the server's wish to wait is overridden":               {"TestTheServersWishToWaitIsKeptToOrReturned"},
	"F4 a foreign DefaultTransport is a panic":                 {"TestAForeignDefaultTransportIsUsedUnlessSomethingIsSet"},
	"F5 a transport discards settings, and can't be wrapped":   {"TestATransportAndSettingsThatItWouldNotKeepExcludeEachOther", "TestWhoWatchesTheTransportIsToldTheOperation"},
	"F6 the logger is silent":                                  {"TestRequestsAndRetriesAreLoggedAtDebugWithoutSecrets"},
	"F7 two scales of one name":                                {"TestALevelMeansTheSameWhicheverPlatformItCameFrom", "TestALevelThatCortexHasNotIsRefusedOrRaisedAndNeverLowered"},
	"F8 bounds don't hold for who calls a method":              {"TestTheBoundsInTagsHoldForWhoCallsTheMethods", "TestALevelThatIsNonePrintsItsNumber"},
	"F9 one key, several cases":                                {"TestAKeyIsUsedOnceByManyAtOnce", "TestACaseWithAKeyIsOpenedOnce"},
	"F10 what is there already can't be told from what is bad": {"TestObservablesThatAreThereAlreadyAreToldFromBadOnes"},
	"F11 no way from a notification to an alert":               {"TestAnAlertIsReadAsItWasHandedOn", "TestAlertsAndAgentsGoThroughJSONAndBack", "TestAListHasTheRawDataIfAskedFor"},
	"F12 searches too narrow for bulk, and no way out":         {"TestAttributesAreFoundByTypesByChangeAndByTagsThatTheyLack", "TestARawReadThatIsKnownIsSentAndAnythingElseNeedsAPermit"},
	"F13 pages of the agent's size":                            {"TestAWalkReadsPagesOfTheLargestSize"},
	"F14 the way to a gated method isn't told":                 {"TestTheTypesOfAMethodFindItsOperation", "TestAwaitCallsAgainOnceItIsApproved", "TestEachPackageShowsItsUse"},
	"F15 inputs aren't of the types of the package":            {"TestAnEventIsMadeFromItsTitleAlone"},
	"F16 the breaker of a host without an approver":            {"TestTheBreakerOpensAndOnlyAnApproverClosesIt"},
	"F17 documentation names what is internal":                 {"TestTheDocumentationNamesNothingInternal"},
	"F18 no place to go on from at the end":                    {"TestATailGivesEachAlertOnce", "TestATailWaitsForWhatMayStillCome", "TestAWalkGoesOnFromAnyRow", "TestACursorIsGoodForItsWalkAlone"},
	"F19 what ended a call isn't said":                         {"TestWhatEndedACallIsSaid"},
	"F20 no word for an outage":                                {"TestOneVocabularyOfErrors", "TestEveryPackageSpeaksOneVocabularyOfErrors"},

	"344 connections for 64 callers":             {"TestManyCallersShareFewConnections"},
	"a program of one platform links the others": {"TestAProgramOfOnePlatformLinksNeitherTheSDKNorOthers", "TestAProgramOfOnePlatformIsLittleLargerThanABareOne"},
	"a program needs workarounds":                {"TestTheProgramsAreShort", "TestEachAlertGoesIntoACaseOnce", "TestTheListHasWhatIsForDetectionAndNothingElse", "TestTheAgentProposesAndTheFirewallActsOnceItIsApproved", "TestTheReportIsOfTheRulesOfOnesOwn"},
	"an alert is lost while MISP stalls":         {"TestNoAlertIsLostWhileMISPStallsAndTheHiveIsAway"},
}

// TestEveryFactOfTheProgramsIsProved holds facts against those that are collected
// beside the project.
func TestEveryFactOfTheProgramsIsProved(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "shared", "field", "library.md"))
	collected := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^F[0-9]+\b`).FindAllString(string(text), -1) {
		collected[m] = true
	}
	var names []string
	for name := range programs {
		number, _, _ := strings.Cut(name, " ")
		delete(collected, number)
		names = append(names, name)
	}
	for number := range collected {
		t.Errorf("no test holds %s", number)
	}
	var dirs []string
	for _, dir := range []string{"examples/webhook", "examples/cron", "examples/blocklist", "examples/own-tools", "examples/coverage", "gate", "gate/connect", "gate/marking", "internal/paging", "misp", "thehive", "wazuh"} {
		dirs = append(dirs, filepath.Join("..", filepath.FromSlash(dir)))
	}
	behaviour.Proved(t, names, programs, dirs...)
	if err != nil {
		t.Skip("without the facts beside the project, that all of them are held isn't looked at")
	}
}

func TestAWalkReadsPagesOfTheLargestSize(t *testing.T) {
	t.Parallel()
	hive, m := thehivetest.NewEmpty(t), misptest.New(t)
	h, mc := hive.Client(), m.Client()
	for i := range 620 {
		hive.Add("Case", "", thehivetest.Object{"title": "x", "description": "y", "severity": 2, "_createdAt": 1_780_000_000_000 + i})
	}
	var values []misptest.Attribute
	for i := range 1235 {
		values = append(values, misptest.Attribute{Type: "comment", Value: fmt.Sprint("value ", i)})
	}
	event := m.AddEvent(misptest.Event{Info: "large", Attributes: values})
	n := 0
	for _, err := range h.Cases(t.Context(), thehive.ListCasesInput{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	for _, err := range mc.Attributes(t.Context(), misp.SearchAttributesInput{EventID: misp.EventRef(event)}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 620+1235 {
		t.Errorf("%d rows came", n)
	}
	if r := hive.Requests(); len(r) > 3 { // with one for the version
		t.Errorf("620 cases took %d requests: %q", len(r), r)
	}
	if r := m.Requests(); len(r) > 4 {
		t.Errorf("1235 attributes took %d requests: %q", len(r), r)
	}
}

func TestObservablesThatAreThereAlreadyAreToldFromBadOnes(t *testing.T) {
	t.Parallel()
	c := thehivetest.New(t).Client()
	in := thehive.CreateObservableBulkInput{CaseID: "2", DataType: "ip", Data: []string{"203.0.113.1", "203.0.113.2"}}
	for i, want := range []error{nil, connect.ErrExists} {
		out, err := c.CreateObservableBulk(t.Context(), in)
		if !errors.Is(err, want) || out == nil || len(out.Created)+len(out.Failed) != 2 {
			t.Errorf("time %d: %+v, %v", i+1, out, err)
		}
	}
	in.Data = append(in.Data, "203.0.113.3")
	out, err := c.CreateObservableBulk(t.Context(), in)
	if err != nil || len(out.Created) != 1 || len(out.Failed) != 2 {
		t.Errorf("one of three is new: %+v, %v", out, err)
	}
}

func TestAttributesAreFoundByTypesByChangeAndByTagsThatTheyLack(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	c := m.Client()
	event := misp.EventRef(m.AddEvent(misptest.Event{Info: "not published", Attributes: []misptest.Attribute{
		{Type: "domain", Value: "one.example"}, {Type: "ip-dst", Value: "203.0.113.9"}, {Type: "comment", Value: "words"},
		{Type: "url", Value: "http://one.example/", Tags: []string{"tlp:red"}},
	}}))
	for name, in := range map[string]struct {
		in   misp.SearchAttributesInput
		want []string
	}{
		"types":   {misp.SearchAttributesInput{Types: []string{"domain", "ip-dst"}}, []string{"203.0.113.9", "one.example"}},
		"changed": {misp.SearchAttributesInput{Changed: "30d", Types: []string{"comment"}}, []string{"words"}},
		"lacking": {misp.SearchAttributesInput{Tags: []string{"!tlp:red"}}, []string{"words", "203.0.113.9", "one.example"}},
		"drafts":  {misp.SearchAttributesInput{Published: connect.Ptr(false), Type: "url"}, []string{"http://one.example/"}},
		"public":  {misp.SearchAttributesInput{Published: connect.Ptr(true)}, nil},
	} {
		in.in.EventID = event
		var got []string
		for a, err := range c.Attributes(t.Context(), in.in) {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got = append(got, a.Value)
		}
		if diff := cmp.Diff(in.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAnEventIsMadeFromItsTitleAlone(t *testing.T) {
	t.Parallel()
	c := misptest.New(t).Client()
	plain, err := c.CreateEvent(t.Context(), misp.CreateEventInput{Info: "a title"})
	if err != nil || *plain.Event.ThreatLevel != misp.ThreatUndefined {
		t.Errorf("%+v, %v", plain, err)
	}
	grave, err := c.CreateEvent(t.Context(), misp.CreateEventInput{Info: "another", ThreatLevel: misp.ThreatHigh, Analysis: misp.AnalysisOngoing, Distribution: misp.OrganisationOnly})
	if err != nil || *grave.Event.ThreatLevel != misp.ThreatHigh {
		t.Errorf("%+v, %v", grave, err)
	}
}

func TestALevelThatIsNonePrintsItsNumber(t *testing.T) {
	t.Parallel()
	for level, want := range map[fmt.Stringer]string{thehive.Severity(9): "level 9", thehive.Severity(0): "level 0", thehive.TLP(7): "level 7", thehive.High: "HIGH"} {
		if got := level.String(); got != want {
			t.Errorf("%T of %[1]d prints %s, want %s", level, got, want)
		}
	}
}

// TestTheProgramsAreShort: written from the documentation alone, when the library had less
// to offer, the five took 615 lines.
func TestTheProgramsAreShort(t *testing.T) {
	t.Parallel()
	n := 0
	for _, name := range []string{"cron", "webhook", "blocklist", "own-tools", "coverage"} {
		text, err := os.ReadFile(filepath.Join(name, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
				n++
			}
		}
	}
	if most := 615 * 2 / 3; n > most {
		t.Errorf("%d lines, want at most %d", n, most)
	}
}

// TestTheDocumentationNamesNothingInternal: what a public package's documentation
// links to can be had by who reads it.
func TestTheDocumentationNamesNothingInternal(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\[\*?(?:internal/|incident\.|httpx\.|paging\.|input\.|jsoncodec\.|wire\.|indexer\.|state\.|chain\.)`)
	for _, pattern := range []string{"attack", "attack/soc", "cortex", "cortex/cortextest", "gate", "gate/connect", "gate/gatetest", "gate/keyring", "gate/marking", "gate/page", "gate/postgres", "gate/witness",
		"mcpadapter", "mcpadapter/command", "mcpadapter/mcphttp", "misp", "misp/misptest", "thehive", "thehive/thehivetest", "wazuh", "wazuh/wazuhtest"} {
		for _, text := range documented(t, filepath.Join("..", filepath.FromSlash(pattern))) {
			if found := link.FindString(text); found != "" {
				t.Errorf("%s: %s… in %q", pattern, found, text)
			}
		}
	}
}

// documented are the comments of what a package exports.
func documented(t *testing.T, dir string) (texts []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v", dir, err)
	}
	fset := token.NewFileSet()
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.FileExports(f)
		ast.Inspect(f, func(n ast.Node) bool {
			if c, ok := n.(*ast.CommentGroup); ok {
				texts = append(texts, c.Text())
			}
			return true
		})
	}
	return texts
}
