package examples_test

import (
	"path/filepath"
	"testing"

	"github.com/sallyport-soc/sallyport/internal/behaviour"
)

// starts are the ways in which a server was seen not to start, not to reach its
// platform, or not to say why, with the tests that hold what is right.
var starts = map[string][]string{
	"certificate-for-another-name": {"TestAStockCertificateIsVerifiedWithoutSwitchingThatOff"},
	"check-proves-the-indexer":     {"TestEveryServerProvesAllThatItIsConfiguredWith"},
	"client-certificate":           {"TestAClientCertificateIsASetting"},
	"environment-of-wazuh-docker":  {"TestANamespaceWithAllServicesStartsAllServers"},
	"index-pattern":                {"TestClustersThatCannotBeReachedAreSaid", "TestStatesAreReadWhereTheSettingSaysTheyAre"},
	"literal-variable-of-a-host":   {"TestAPlaceholderThatAHostLeftIsNamed", "TestWhatIsStillAPlaceholderIsNamed", "TestEveryWiringStartsAServerWithVariablesThatItKnows"},
	"secrets-from-files":           {"TestSecretsFromFilesOpenEveryServer", "TestSecretsComeFromFilesWhoseModeIsChecked"},
	"service-links-of-wazuh":       {"TestANamespaceWithAllServicesStartsAllServers", "TestANameThatIsNearlyASettingIsAnErrorThatNamesIt"},
	"soc-mcp-with-two-platforms":   {"TestTheWholeServesThePlatformsThatAreConfigured"},

	// Siblings of those.
	"a variable of another server of the platform": {"TestTheVariablesOfOtherServersAreSaidToBeUnneeded"},
	"a data folder of ATT&CK that is empty":        {"TestTheDataFolderOfATTACKMayBeEmpty"},
	"a header for a proxy":                         {"TestHeadersForAProxyGoWithEachRequest"},
	"a proxy that refuses":                         {"TestAProxyThatRefusesIsNamed", "TestAPageInPlaceOfAnAnswerIsSaidForWhatItIs"},
	"a page to sign in":                            {"TestAPageInPlaceOfAnAnswerIsSaidForWhatItIs"},
	"a path too many in an address":                {"TestEveryServerProvesAllThatItIsConfiguredWith"},
	"a secret in an error":                         {"TestNoErrorOfASettingHoldsASecret", "TestNoSecretComesOutAnywhere"},
	"a gate that lets no write through":            {"TestCheckWarnsOfWhatStopsWritesWithTheCommandThatMendsIt"},
	"an answer over the limit":                     {"TestAPageThatIsTooLargeIsFetchedInParts", "TestAPageOverTheLimitOfBytesIsReadInParts", "TestAListOverTheLimitOfBytesIsReadInParts", "TestAListOfJobsOverTheLimitOfBytesIsReadInParts", "TestAPageOfAlertsOverTheLimitOfBytesIsShorterAndGoesOn", "TestAnAnswerOverTheLimitNamesWhatGivesItInParts"},
	"a gateway that gives up":                      {"TestAGatewayIsGivenMoreTimeWithEachTry", "TestASearchThatAGatewayGaveUpOnIsNotStartedAgain", "TestTheServersWishToWaitIsKeptToOrReturned"},
	"a technique in the notation of another tool":  {"TestTechniqueIsTakenInEveryNotation"},
	"a technique of another matrix":                {"TestWhatIsInAnotherMatrixSaysSo"},
	"one large attribute beside small ones":        {"TestWhatIsSmallStaysBesideWhatCantBeCut"},
	"dates as people write them":                   {"TestDatesAndLevelsAreTakenAsPeopleWriteThem"},
	"a case by the number that is printed":         {"TestACaseIsTakenByTheNumberThatIsPrinted"},
	"what the installed Wazuh doesn't have":        {"TestAVersionThatLacksAnOperationIsNamed"},
	"a first run":                                  {"TestTryShowsAReadAProposalAndItsApproval"},
	"a table in eighty columns":                    {"TestATableOfAlertsSaysWhenAndWhatInEightyColumns", "TestTablesFitTheTerminal"},
	"times":                                        {"TestTimesAreLocalForPeopleAndRFC3339ForPrograms"},
	"completion in a shell":                        {"TestBashOffersWordsAndWhatFollowsACommand", "TestWhatAShellOffersIsWhatTheProgramsTake"},
	"long work":                                    {"TestLongWorkSaysHowFarItIs", "TestALongCallSaysHowFarItIs"},
}

// TestEveryCaseOfTheSettingsIsProved holds starts against the cases that are
// collected beside the project.
func TestEveryCaseOfTheSettingsIsProved(t *testing.T) {
	t.Parallel()
	var dirs []string
	for _, dir := range []string{"attack", "cortex", "examples/soc-lab", "gate/connect", "internal/completion", "internal/httpx", "internal/paging", "internal/settings", "mcpadapter", "mcpadapter/command", "mcpadapter/internal/answer", "misp", "thehive", "wazuh"} {
		dirs = append(dirs, filepath.Join("..", filepath.FromSlash(dir)))
	}
	behaviour.CasesProved(t, "settings", starts, dirs...)
}
