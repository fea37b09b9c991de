package misp_test

import (
	"testing"

	"github.com/sallyport-soc/sallyport/internal/behaviour"
)

// proofs are the tests of the cases that are collected beside the project, by the
// names of their files.
var proofs = map[string]func(*testing.T){
	"attribute-for-a-sharing-group":  TestAnAttributeGoesToASharingGroup,
	"defanged-value":                 TestValuesAreFoundAsPeopleTypeThem,
	"event-larger-than-the-limit":    TestALargeEventIsReadAndWritten,
	"event-that-exists-differs":      TestAnEventThatExistsSaysWhatDiffers,
	"galaxy-eats-the-answer":         TestGalaxiesDoNotEatTheAnswer,
	"gateway-time-out":               TestASearchThatAGatewayGaveUpOnIsNotStartedAgain,
	"object-added-again":             TestAnObjectIsAddedAgainAfterItsDeletion,
	"order-that-is-stable":           TestEveryRowOfAWalkComesOnce,
	"pages-that-fit":                 TestEveryRowOfAWalkComesOnce,
	"percent-and-backslash":          TestOnlyThePercentSignIsAWildcard,
	"rights-before-the-human":        TestRightsAreCheckedBeforeAHumanIsAsked,
	"tag-in-capitals":                TestATagInCapitalsIsToldFromTheOneThatExists, // and TestNamesThatTheServerLacksAreSaid
	"tagging-with-host-approval":     TestAddingATagRunsWhereTheHostDecides,
	"tags-with-not-and-and":          TestTagsAreCombined,
	"technique-under-its-older-name": TestATechniqueHasTheTagOfTheClusterThatTheServerHas, // searches are package soc's
	"warninglist-spelling":           TestWarninglistsAreAskedInTheFormThatTheyHold,
}

func TestEveryCaseOfMISPIsProved(t *testing.T) {
	for _, name := range behaviour.Cases(t, "misp") {
		if proofs[name] == nil {
			t.Errorf("%s isn't proved", name)
		}
	}
}
