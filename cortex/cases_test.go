package cortex_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/behaviour"
)

// cases are the failures that were seen at a real Cortex, with the tests that hold
// the client, its server or the fake to what is right.
var cases = map[string][]string{
	"deleting-a-running-job":             {"TestADeletedRunningJobIsToldToComeBack"},
	"enable-what-is-enabled":             {"TestEnablingWhatIsEnabledIsRefusedBeforeItIsProposed"},
	"fake-deletes-as-cortex":             {"TestADeletedRunningJobComesBack", "TestWhatCortexDoes/artifacts of a deleted job", "TestWhatCortexDoes/artifacts of no job", "TestWhatCortexDoes/a large page with an offset is a 500"},
	"file-larger-than-cortex-takes":      {"TestAFileThatCortexRefusesIsRefusedBeforeItIsProposed", "TestAFileIsWaitedForLongerThanAnythingElse"},
	"follow-next-of-definitions":         {"TestWhoFollowsPagesSeesEveryRowWhateverFits"},
	"job-that-never-ends":                {"TestAJobThatCannotEndIsToldAndNotWaitedFor"},
	"jobs-after-a-large-page":            {"TestEveryPageOfALargePageOfJobsIsAnswered"},
	"jobs-beyond-ten-thousand":           {"TestJobsBeyondTheWindowOfTheDatabaseAreReached"},
	"repeated-run-without-its-job":       {"TestARepeatedRunInANewProcessNamesItsJob"},
	"secret-settings-by-any-name":        {"TestASecretByAnyNameIsRefusedAndWrittenNowhere", "TestASettingIsSecretUnlessItsNameSaysThatItIsNot"},
	"status-of-a-key-that-only-analyzes": {"TestTheStatusNamesTheRolesThatAreMissing", "TestACheckFailsForAKeyThatOnlyAnalyzes"},
	"superadmin-key-that-is-refused":     {"TestEveryServerProvesAllThatItIsConfiguredWith"},
}

// TestEveryCaseIsProved holds cases against those that are collected beside the
// project.
func TestEveryCaseIsProved(t *testing.T) {
	t.Parallel()
	behaviour.CasesProved(t, "cortex", cases, "cortextest", filepath.Join("..", "examples"))
}

func TestACheckFailsForAKeyThatOnlyAnalyzes(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/user/current" {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id":"bot@example.org","name":"bot","roles":["analyze"],"organization":"soc","status":"Ok"}`))
		return true
	})
	for _, f := range s.Client().Check(t.Context()) {
		if f.Leg == connect.LegPermissions {
			if f.Status != connect.Broken || !strings.Contains(f.Message, "lacks the role read") || !strings.Contains(f.Advice, "roles read and analyze") {
				t.Errorf("%+v", f)
			}
			return
		}
	}
	t.Error("the rights of the key aren't looked at")
}

// An entity that Cortex would refuse is refused before anybody is asked, whether it
// is given or fetched.
func TestAnEntityOverAHundredKilobytesIsRefusedBeforeItIsProposed(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	large := json.RawMessage(`{"_id":"~1","_type":"Case","number":1,"title":"` + strings.Repeat("x", 110<<10) + `"}`)
	fetched := func(cfg *cortex.Config) {
		cfg.Entity = func(context.Context, string, string) (json.RawMessage, error) { return large, nil }
	}
	for data, how := range map[string][]func(*cortex.Config){"": {fetched}, `,"data":` + string(large): nil} {
		g, ops := guarded(t, s, how...)
		g.Setenv("CORTEX_ALLOW_DESTRUCTIVE", "1")
		res, err := do(t, g, ops["cortex_run_responder"], `{"responderId":"Mailer_1_0","objectType":"case","objectId":"~1","confirm":true`+data+`}`)
		if !errors.Is(err, cortex.ErrInvalid) || !strings.Contains(err.Error(), "100 KB") || !strings.Contains(err.Error(), "maxMemoryBuffer") {
			t.Errorf("%+v, %v", res, err)
		}
	}
}
