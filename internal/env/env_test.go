package env_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/internal/env"
)

func TestAllThatIsWrongIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	r := env.New("HIVE_", []string{"HIVE_VERIFY_SSL=maybe", "HIVE_TIMEOUT=soon", "HIVE_API_KEI=x", "HIVE_ZZZ_OTHER_THING_ALTOGETHER=1", "HIVE_ALLOW=ja", "HIVE_ASK=on", "PATH=/bin"})
	r.Required("HIVE_URL")
	r.Required("HIVE_API_KEY")
	r.Bool("HIVE_VERIFY_SSL", true)
	r.Seconds("HIVE_TIMEOUT")
	r.Known("HIVE_ALLOW", "HIVE_ASK")
	want := []string{
		"HIVE_URL is not set",
		"HIVE_API_KEY is not set",
		`HIVE_VERIFY_SSL is "maybe": want true or false`,
		`HIVE_TIMEOUT is "soon": want a whole number from 1 to 3600`,
		`HIVE_ALLOW is "ja": want true or false`,
		"HIVE_API_KEI is not a known setting; did you mean HIVE_API_KEY?",
		"HIVE_ZZZ_OTHER_THING_ALTOGETHER is not a known setting",
	}
	if diff := cmp.Diff(want, strings.Split(r.Err().Error(), "\n")); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestValuesAreReadAndTrimmed(t *testing.T) {
	t.Parallel()
	r := env.New("HIVE_", []string{"HIVE_URL= https://h ", "HIVE_VERIFY_SSL=No", "HIVE_TIMEOUT=5", "HIVE_SWITCH=1"})
	r.Known("HIVE_SWITCH")
	type settings struct {
		URL     string
		Verify  bool
		Timeout time.Duration
		Size    int
	}
	got := settings{r.Required("HIVE_URL"), r.Bool("HIVE_VERIFY_SSL", true), r.Seconds("HIVE_TIMEOUT"), r.Int("HIVE_SIZE", 7, 1, 9)}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(settings{"https://h", false, 5 * time.Second, 7}, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}
