package soc

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

func TestRespondersGetTheirEntityFromTheHive(t *testing.T) {
	t.Parallel()
	fetch := entities(thehivetest.New(t).Client())
	raw, err := fetch(t.Context(), "case", thehivetest.BruteForceCase)
	if err != nil {
		t.Fatal(err)
	}
	var entity struct {
		ID string `json:"_id"`
	}
	if err := json.Unmarshal(raw, &entity); err != nil || entity.ID != thehivetest.BruteForceCase {
		t.Errorf("entity %s, %v", raw, err)
	}
	if _, err := fetch(t.Context(), "case_page", "~1"); err == nil || !strings.Contains(err.Error(), "case_page") {
		t.Errorf("a type that TheHive has no responders for: %v", err)
	}
}
