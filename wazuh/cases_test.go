package wazuh_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/internal/behaviour"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// cases are the failures that were seen, with the tests that hold the client, its
// server or the fake to what is right.
var cases = map[string][]string{
	"agents-by-hidden-fields":       {"TestAgentsAreFoundByWhatIsShown"},
	"context-of-a-destination":      {"TestTheContextLooksAtBothEnds"},
	"context-of-cloudtrail":         {"TestTheContextLooksAtBothEnds"},
	"end-date-without-time":         {"TestADateMeansTheWholeDay"},
	"fake-answers-as-the-api":       {"TestRecordedRequestsAreAnsweredAsTheServerDid", "TestWhatTheServerDoes/a search looks into what isn't shown", "TestWhatTheServerDoes/a status in capitals", "TestWhatTheServerDoes/files of an unknown agent", "TestWhatTheServerDoes/a condition on no field"},
	"file-hash-filter-and-sysmon":   {"TestTheCasesOfAlertsAreAnswered", "TestAHashIsFoundInSysmonsListByAnyForm"},
	"findings-of-wazuh-5":           {"TestFindingsOfWazuh5AreFilteredByTheirOwnNames"},
	"follow-the-cursor-after-a-cut": {"TestWhoFollowsPagesSeesEveryRowWhateverFits"},
	"hosts-of-wazuh-5":              {"TestFindingsOfWazuh5AreFilteredByTheirOwnNames", "TestWazuh5AnswersFromWhatItHas"},
	"inode-as-a-float":              {"TestNumbersAreReadAsTheServerWritesThem"},
	"inventory-search-fields":       {"TestTheInventoryIsSearchedInEveryFieldAndWalkedWhole", "TestTheInventoryIsSearchedInWhatItsTemplatesHave"},
	"inventory-ties":                {"TestTheInventoryIsSearchedInEveryFieldAndWalkedWhole"},
	"manager-logs-before-4-6":       {"TestLogsOfAWazuhBefore46AreAskedForWithoutSelect", "TestEachVersionIsAskedForWhatItHas"},
	"policy-that-is-not-there":      {"TestNamesThatWazuhDoesNotCheckAreChecked"},
	"port-without-remote":           {"TestWhatIsNotKnownIsNotShownAsZero"},
	"revision-is-a-number":          {"TestTheRevisionIsANumberOrAText", "TestEachVersionIsAskedForWhatItHas"},
	"search-cloudtrail-words":       {"TestTheCasesOfAlertsAreAnswered", "TestRecall"},
	"search-github-and-osquery":     {"TestTheCasesOfAlertsAreAnswered", "TestRecall"},
	"search-windows-events":         {"TestTheCasesOfAlertsAreAnswered", "TestRecall"},
	"search-windows-path":           {"TestTheCasesOfAlertsAreAnswered", "TestAWindowsPathIsFoundAsOneTypesIt"},
	"secret-of-ms-graph":            {"TestEverySecretOfTheOptionReferenceIsCutOut"},
	"source-of-active-response":     {"TestEverySourceIsAFilterAColumnAndACount"},
	"source-of-cloud-alerts":        {"TestEverySourceIsAFilterAColumnAndACount"},
	"source-of-cloudtrail":          {"TestEverySourceIsAFilterAColumnAndACount", "TestEveryUserIsAFilterAndAColumn"},
	"vulnerabilities-before-4-8":    {"TestWhatCameLaterIsSaidToHaveComeLater"},
}

// facts are what was found wrong on a running Wazuh (F), what surprised there (S), how it
// answered what was asked of it (W) and what users report (B), by their numbers beside the
// project, with the tests that hold what is right.
var facts = map[string][]string{
	"F1":  {"TestRecall", "TestEverySourceIsAFilterAColumnAndACount", "TestEveryUserIsAFilterAndAColumn", "TestTheTableKnowsTheFieldsOfTheVendor"},
	"F2":  {"TestAWindowsPathIsFoundAsOneTypesIt", "TestWhatTheIndexerDoes/backslashes are doubled"},
	"F3":  {"TestWazuh5AnswersFromWhatItHas", "TestFindingsOfWazuh5AreFilteredByTheirOwnNames", "TestWhatTheIndexerDoes/the agent is in another place in Wazuh 5"},
	"F4":  {"TestADateMeansTheWholeDay"},
	"F5":  {"TestNumbersAreReadAsTheServerWritesThem", "TestWhatTheServerDoes/large numbers have an exponent"},
	"F6":  {"TestAgentsAreFoundByWhatIsShown", "TestWhatTheServerDoes/a search looks into what isn't shown"},
	"F7":  {"TestWhoFollowsPagesSeesEveryRowWhateverFits"},
	"F8":  {"TestTheInventoryIsSearchedInEveryFieldAndWalkedWhole", "TestWhatTheIndexerDoes/an unmapped field orders nothing"},
	"F9":  {"TestEveryServerProvesAllThatItIsConfiguredWith"},
	"F10": {"TestTheContextLooksAtBothEnds"},
	"F11": {"TestEverySourceIsAFilterAColumnAndACount", "TestWhatAnAlertSaysStandsInItWithoutItsData"},
	"F12": {"TestTheInventoryIsSearchedInWhatItsTemplatesHave", "TestTheInventoryIsSearchedInEveryFieldAndWalkedWhole", "TestTheFleetIsSearched"},
	"F13": {"TestNamesThatWazuhDoesNotCheckAreChecked", "TestAFailureWithStatus200IsAnError"},
	"F14": {"TestASearchThatTakesTooLongNamesStartTime", "TestALongWordIsLookedForByAPieceFirst"},
	"F15": {"TestRateLimitIsRetried", "TestWhatATokenIs/logins count for the rate"},
	"F16": {"TestAddressesAreCountedHoweverTheyAreWritten", "TestAnAgentIsFoundByAnOddName", "TestATagIsFoundByAPartOfIt", "TestWhatTheIndexerDoes/it says that it is another"},
	"S1":  {"TestWhatTheIndexerDoes/a document with a long keyword"},
	"S2":  {"TestWhatTheIndexerDoes/an end date means its day", "TestWhatTheIndexerDoes/an unmapped field orders nothing", "TestWhatTheIndexerDoes/going on needs each value"},
	"S3":  {"TestWhatTheIndexerDoes/other letters keep their case", "TestAnyCaseMeansLettersBeyondASCIIToo"},
	"S4":  {"TestWhatTheIndexerDoes/it says that it is another"},
	"S5":  {"TestWhatTheServerDoes/large numbers have an exponent", "TestNumbersAreReadAsTheServerWritesThem"},
	"S6":  {"TestWhatTheServerDoes/a search looks into what isn't shown", "TestWhatTheServerDoes/one sign for all", "TestWhatTheServerDoes/files of an unknown agent", "TestWhatTheServerDoes/no groups, and no word of it", "TestWhatTheServerDoes/a status in capitals"},
	"S7":  {"TestWhatTheIndexerDoes/a wildcard in an address", "TestWhatTheIndexerDoes/a network in a keyword", "TestANetworkIsFoundInKeywordsAndAddresses"},
	"W1":  {"TestWhatTheServerDoes/a semicolon binds tighter than a comma", "TestWhatTheServerDoes/parentheses nest", "TestWhatTheServerDoes/null is what there is none of", "TestWhatTheServerDoes/equal is in any case"},
	"W2":  {"TestWhatTheServerDoes/never connected counts from enrolment", "TestWhatTheServerDoes/the manager is never old", "TestWhatTheServerDoes/an age of nothing is no filter"},
	"W3":  {"TestWhatTheServerDoes/a search looks into what isn't shown", "TestWhatTheServerDoes/a dash in front is all others", "TestWhatTheServerDoes/a percent sign is a wildcard", "TestWhatTheServerDoes/a quote in a search is any character"},
	"W4":  {"TestWhatTheServerDoes/one sign for all", "TestTheLastChangedFileComesFirst"},
	"W5":  {"TestWhatTheServerDoes/an unknown agent alone", "TestWhatTheServerDoes/files of an unknown agent", "TestAFailureWithStatus200IsAnError"},
	"W6":  {"TestWhatTheServerDoes/files of an agent that never connected", "TestWhatTheServerDoes/counters of the manager", "TestAgentStatsAreWhatWazuhCounts"},
	"W7":  {"TestWhatTheServerDoes/others are left out of a list", "TestWhatTheServerDoes/one that may not be seen among others", "TestWhatTheServerDoes/one that may not be seen alone", "TestWhatTheServerDoes/one that isn't there is one that may not", "TestWhatTheServerDoes/nothing of the manager", "TestWhatTheServerDoes/inventory that may not be seen"},
	"W8":  {"TestWhatTheServerDoes/500 lines at most", "TestWhatTheServerDoes/no limit of nothing", "TestWhatTheServerDoes/a parameter that isn't known", "TestWhatTheServerDoes/a value that isn't in its list"},
	"W9":  {"TestAnAgentIsFoundByAnOddName", "TestWhatTheServerDoes/some characters aren't searched for", "TestWhatTheServerDoes/an asterisk is none"},
	"W10": {"TestFieldsAreMappedAsByTheTemplates", "TestWhatTheIndexerDoes/a document with a long keyword", "TestWhatTheIndexerDoes/a long keyword of a state isn't indexed"},
	"W11": {"TestWhatTheIndexerDoes/an end date means its day", "TestWhatTheIndexerDoes/a zone moves the day", "TestWhatTheIndexerDoes/a date with a space", "TestWhatTheIndexerDoes/a time is sorted by as a number"},
	"W12": {"TestWhatTheIndexerDoes/a wildcard in an address", "TestWhatTheIndexerDoes/a network in an address", "TestWhatTheIndexerDoes/other letters keep their case"},
	"W13": {"TestWhatTheIndexerDoes/beyond ten thousand", "TestWhatTheIndexerDoes/the total stops at ten thousand", "TestWhatTheIndexerDoes/text isn't sorted by", "TestWhatTheIndexerDoes/an unmapped field orders nothing"},
	"W14": {"TestStatesHaveWhatTheirTemplatesHave", "TestTheInventoryIsSearchedInWhatItsTemplatesHave"},
	"W15": {"TestWhatATokenIs/revoked is invalid", "TestWhatATokenIs/expired is invalid", "TestWhatATokenIs/logins count for the rate", "TestWhatATokenIs/login by GET"},
	"B0":  {"TestTheRevisionIsANumberOrAText", "TestEachVersionIsAskedForWhatItHas", "TestLogsOfAWazuhBefore46AreAskedForWithoutSelect"},
	"B1":  {"TestRecall", "TestWordsAreFoundInWhatNobodyForesaw", "TestAWindowsPathIsFoundAsOneTypesIt"},
	"B2":  {"TestEverySourceIsAFilterAColumnAndACount", "TestEveryUserIsAFilterAndAColumn", "TestAHashIsFoundInSysmonsListByAnyForm"},
	"B3":  {"TestEverySecretOfTheOptionReferenceIsCutOut", "TestWhatIsNoSecretStays"},
	"B13": {"TestWhatIsNotKnownIsNotShownAsZero"},
}

var proofDirs = []string{"wazuhtest", filepath.Join("..", "examples"), filepath.Join("..", "mcpadapter"), filepath.Join("..", "internal", "httpx")}

// TestEveryCaseOfWazuhIsProved holds cases against those that are collected beside the
// project.
func TestEveryCaseOfWazuhIsProved(t *testing.T) {
	t.Parallel()
	behaviour.CasesProved(t, "wazuh", cases, proofDirs...)
}

// TestEveryFactOfWazuhIsProved holds facts against those that are collected beside the
// project.
func TestEveryFactOfWazuhIsProved(t *testing.T) {
	t.Parallel()
	var names []string
	for file, numbered := range map[string]*regexp.Regexp{"wazuh.md": regexp.MustCompile(`(?m)^([FS]\d+) `), "wazuh-truth.md": regexp.MustCompile(`(?m)^(W\d+)\. `)} {
		b, err := os.ReadFile(filepath.Join("..", "..", "shared", "field", file))
		if err != nil {
			continue
		}
		for _, m := range numbered.FindAllStringSubmatch(string(b), -1) {
			names = append(names, m[1])
		}
	}
	behaviour.Proved(t, names, facts, proofDirs...)
	if len(names) == 0 {
		t.Skip("without the facts beside the project, that all of them are held isn't looked at")
	}
}

// TestTheCasesOfAlertsAreAnswered plays the cases whose calls name the alerts that must
// be found.
func TestTheCasesOfAlertsAreAnswered(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"search-cloudtrail-words", "search-github-and-osquery", "search-windows-events", "search-windows-path", "file-hash-filter-and-sysmon"} {
		b, err := os.ReadFile(filepath.Join("..", "..", "shared", "cases", "wazuh", name+".json"))
		if err != nil {
			t.Skip("without the cases beside the project: ", err)
		}
		type call struct {
			Arguments struct {
				wazuh.GetAlertsInput
				Query string
			}
		}
		var c struct {
			Given struct{ Alerts []wazuhtest.Object }
			Call  struct {
				call
				Calls []call
			}
			Right struct {
				ID   string
				Each struct{ ID string }
				IDs  []json.RawMessage
			}
		}
		if err := json.Unmarshal(b, &c); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s := wazuhtest.New(t)
		for i, a := range c.Given.Alerts {
			s.AddAlert(time.Now().Add(time.Duration(i-10)*time.Minute), a["id"].(string), a)
		}
		calls := c.Call.Calls
		if calls == nil {
			calls = []call{c.Call.call}
		}
		for i, call := range calls {
			want := []string{c.Right.ID + c.Right.Each.ID}
			if len(c.Right.IDs) > 0 { // a text or a list of some
				want = nil
				if err := json.Unmarshal(c.Right.IDs[i], &want); err != nil {
					want = []string{strings.Trim(string(c.Right.IDs[i]), `"`)}
				}
			}
			in := call.Arguments.GetAlertsInput
			in.Search = cmp.Or(in.Search, call.Arguments.Query)
			p, err := s.Client().GetAlerts(t.Context(), in)
			if err != nil {
				t.Fatalf("%s: %+v: %v", name, call.Arguments, err)
			}
			slices.Sort(want)
			if diff := gocmp.Diff(want, ids(p.Alerts)); diff != "" {
				t.Errorf("%s: %+v (-want +got):\n%s", name, call.Arguments, diff)
			}
		}
	}
}

func TestWhatAnAlertSaysStandsInItWithoutItsData(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.AddAlert(time.Now(), "one", wazuhtest.Object{"rule": wazuhtest.Object{"id": "92001", "level": 4}, "data": wazuhtest.Object{"win": wazuhtest.Object{"eventdata": wazuhtest.Object{
		"sourceIp": "10.20.0.51", "destinationIp": "198.51.100.23", "user": `ACME\\jdoe`, "image": `C:\\Temp\\a.exe`,
	}}}})
	c := s.Client()
	one, err := c.GetAlert(t.Context(), wazuh.GetAlertInput{AlertID: "one"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{DestinationIP: "198.51.100.23"}})
	if err != nil || p.Total != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	for _, a := range []*wazuh.Alert{one, p.Alerts[0]} {
		if a.SourceIP != "10.20.0.51" || a.DestinationIP != "198.51.100.23" || a.SourceUser != `ACME\jdoe` || a.Event[wazuh.MeaningProcess] != `C:\Temp\a.exe` || a.Data != nil {
			t.Errorf("%+v", a)
		}
	}
}

// TestASearchThatTakesTooLongNamesStartTime has an indexer that never comes to an end.
func TestASearchThatTakesTooLongNamesStartTime(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.AddAlert(time.Now(), "one", at("data.srcip", "192.0.2.1"))
	c := s.Client(func(c *wazuh.Config) {
		c.Indexer.Wrap = func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/_search") {
					return nil, &url.Error{Op: r.Method, URL: r.URL.String(), Err: os.ErrDeadlineExceeded}
				}
				return next.RoundTrip(r)
			})
		}
	})
	for start, want := range map[wazuh.When]string{"": "give start_time", "2020-01-01": "give a later start_time"} {
		if _, err := c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: "needle", StartTime: start}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", start, err)
		}
	}
}

func TestAddressesAreCountedHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	for _, address := range []string{"10.20.0.7", "::ffff:10.20.0.7", "-", "2001:DB8::1", "2001:db8:0:0::1"} {
		s.AddAlert(time.Now(), address, at("data.srcip", address))
	}
	st, err := s.Client().GetAlertStats(t.Context(), wazuh.GetAlertStatsInput{GroupBy: []wazuh.AlertKey{"source_ip"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([]wazuh.Count{{Value: "10.20.0.7", Count: 2}, {Value: "2001:db8::1", Count: 2}}, st.Counts[0].Values); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
