package thehive_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/internal/behaviour"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// cases are the failures that were seen, with the tests that hold the client, its
// server or the fake to what is right.
var cases = map[string][]string{
	"alert-with-its-time-and-link":      {"TestAnAlertCarriesItsTimeAndLink"},
	"case-number-with-hash":             {"TestACaseIsTakenByTheNumberThatIsPrinted"},
	"cases-of-a-technique":              {"TestCasesByTechnique", "TestSearchFindsUnderEachReadingOfLike"},
	"closing-ends-open-tasks":           {"TestClosingTellsOfTheTasks"},
	"comments-by-the-property":          {"TestCommentsHaveAuthorAndDate", "TestAnswers/property of the answer alone"},
	"dates-as-people-write-them":        {"TestDatesAndLevelsAreTakenAsPeopleWriteThem"},
	"fake-behaves-as-the-platform":      {"TestClosingTellsOfTheTasks", "TestWhatIsEmptiedIsSentAsNull", "TestPromotingAgainGivesTheCase", "TestAnAlertIsMergedOnce", "TestAnswers/an unseen case"},
	"fake-compares-as-the-platform":     {"TestFilters"},
	"give-a-case-back":                  {"TestWhatIsEmptiedIsSentAsNull"},
	"key-and-template-tags":             {"TestATemplateKeepsItsTagsBesideAKey"},
	"merging-an-alert-changes-the-case": {"TestMergingAnAlertTellsAllThatItChanges"},
	"organisation-that-is-not-there":    {"TestEveryServerProvesAllThatItIsConfiguredWith"},
	"query-my-tasks":                    {"TestAQueryTakesEachDocumentedStepAndSaysWhichItTakes", "TestEveryDocumentedStepThatReadsMayBeRun"},
	"search-part-of-a-title":            {"TestSearchFindsUnderEachReadingOfLike"},
	"set-a-custom-field-on-5-7-1":       {"TestACustomFieldHasTheOneValueThatWasSet"},
	"template-that-adds-nothing":        {"TestATemplatesTasksAreCounted"},
	"undo-that-exists":                  {"TestAnUndoNamesAToolThatIsThere"},
	"unknown-custom-field":              {"TestACustomFieldThatIsNotThereIsRefusedBeforeAnybodyIsAsked"},
	"walk-while-rows-come-and-go":       {"TestAWalkGivesEachOnceWhileRowsComeAndGo"},
}

// lies are what the fake once did otherwise than TheHive, with the tests that hold
// it to what TheHive does.
var lies = map[string][]string{
	"null in a PATCH":                           {"TestWhatIsEmptiedIsSentAsNull"},
	"_updatedAt of an alert with observables":   {"TestAnAlertCarriesItsTimeAndLink"},
	"multipart forms":                           {"TestFilesGoInAndOut", "TestFilesStayBelowTheirFolder"},
	"bulk paths":                                {"TestManyAlertsGoIntoACase", "TestPartsAreEditedAndDeleted"},
	"tasks of a case that is closed":            {"TestClosingTellsOfTheTasks"},
	"what goes along when an alert is merged":   {"TestMergingAnAlertTellsAllThatItChanges"},
	"custom fields":                             {"TestACustomFieldHasTheOneValueThatWasSet", "TestAnswers/unknown custom field", "TestAnswers/array in the object form"},
	"tags of a template":                        {"TestATemplateKeepsItsTagsBesideAKey"},
	"_like":                                     {"TestFilters", "TestSearchFindsUnderEachReadingOfLike"},
	"relative dates, _match, _contains, counts": {"TestFilters", "TestAnswers/count is bare"},
	"the window of 10000 rows":                  {"TestAnswers/beyond the window"},
	"properties that aren't there":              {"TestAnswers/unknown property"},
	"an observable in a case that isn't seen":   {"TestAnswers/an unseen case"},
	"promoting what is in a case":               {"TestPromotingAgainGivesTheCase"},
	"any technique":                             {"TestAnswers/unknown technique"},
	"users of other organisations":              {"TestAnswers/users of the organisation"},
	"Basic authentication":                      {"TestABasicLoginIsTaken"},
}

// TestEveryCaseIsProved holds cases against those that are collected beside the
// project.
func TestEveryCaseIsProved(t *testing.T) {
	t.Parallel()
	behaviour.Proved(t, nil, lies, "thehivetest")
	behaviour.CasesProved(t, "thehive", cases, "thehivetest", filepath.Join("..", "examples"))
}

// TestACaseIsTakenByTheNumberThatIsPrinted: with and without its #, wherever a case
// is named.
func TestACaseIsTakenByTheNumberThatIsPrinted(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	_, call := session(t, hive)
	for tool, args := range map[string]string{
		"thehive_get_case": `"caseId":%q`, "thehive_case_timeline_summary": `"caseId":%q`, "thehive_get_case_timeline": `"caseId":%q`, "thehive_list_linked_cases": `"caseId":%q`,
		"thehive_case_report": `"caseId":%q`, "thehive_list_tasks": `"caseId":%q`, "thehive_list_comments": `"caseId":%q`, "thehive_list_procedures": `"caseId":%q`,
		"thehive_list_pages": `"caseId":%q`, "thehive_list_observables": `"caseId":%q`, "thehive_list_attachments": `"caseId":%q`, "thehive_list_jobs": `"caseId":%q`,
		"thehive_list_responders": `"objectType":"case","objectId":%q`, "thehive_update_case": `"caseId":%q,"title":"Another"`, "thehive_add_case_tags": `"caseId":%q,"tags":["x"]`,
		"thehive_create_task": `"caseId":%q,"title":"t"`, "thehive_create_comment": `"caseId":%q,"message":"m"`, "thehive_assign_case": `"caseId":%q,"owner":"lead@soc.example"`,
	} {
		for _, id := range []string{"2", "#2"} {
			if res := call(tool, "{"+fmt.Sprintf(args, id)+"}"); res.IsError {
				t.Errorf("%s of %s: %v", tool, id, res.Content)
			}
		}
	}
	out, err := hive.Client().BulkAssignCases(t.Context(), thehive.BulkAssignCasesInput{CaseIDs: []string{"1", "#1"}, Owner: "lead@soc.example"})
	if err != nil || out.Succeeded != 1 {
		t.Errorf("one case in two spellings: %+v, %v", out, err)
	}
}

// The query syntax of 5.8 documents these as steps that read, and the client takes
// each where it may stand.
func TestEveryDocumentedStepThatReadsMayBeRun(t *testing.T) {
	t.Parallel()
	first := strings.Fields(`myTasks waitingTasks listCaseTask listAny getAny currentUser listVisibleUsers listOrganisationPage listCustomEvent listCaseReport listCatalog freetags
		tagAutoComplete countFreetags getAudit listAuditFromObject listAnalyzerTemplate getReportTemplate listFunction listCase getCase listAlert getAlert listTask listObservable listUser
		listCaseStatus listAlertStatus listObservableType listCustomField listCaseTemplate listPattern listProcedure listOrganisation listShare listJob listLog listComment listPage`)
	later := strings.Fields(`allComments assignableUsers similarAlertsLight similarAlertLightCount similarCaseLightCount similarCasesLight customEvents timeline caseReports taskGroups inCase
		similar fromCase fromAlert fromJobReport reportObservables observable caseTemplate caseTemplates pageTemplates headerPage users cases tactics text external visible output
		alert alerts case comments jobs logs observables organisations pages patterns procedures shares tags tasks attachments filter sort page count`)
	run := func(steps string) error {
		in := thehive.QueryInput{Query: steps}
		return in.Validate()
	}
	for _, name := range first {
		if err := run(fmt.Sprintf(`[{"_name":%q,"idOrName":"~1"}]`, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range later {
		if err := run(fmt.Sprintf(`[{"_name":"listCase"},{"_name":%q,"from":0,"to":10}]`, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range slices.Concat(first, later) { // what writes has no such name
		if strings.HasPrefix(name, "list") || strings.HasPrefix(name, "get") {
			continue
		}
		for _, verb := range []string{"delete", "update", "create"} {
			if err := run(fmt.Sprintf(`[{"_name":%q}]`, verb+strings.ToUpper(name[:1])+name[1:])); err == nil {
				t.Errorf("%s%s may be run", verb, name)
			}
		}
	}
}
