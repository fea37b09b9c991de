package wazuhtest

import (
	"flag"
	"testing"

	"github.com/sallyport-soc/sallyport/internal/behaviour"
)

var _ = flag.Bool("update", false, "rewrite the page of behaviours")

func TestBehaviourPage(t *testing.T) {
	behaviour.Check(t, behaviours, "../behaviour.md")
}
