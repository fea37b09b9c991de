// Package incident holds the facts of the one incident that the fakes, the lab
// and the examples share: password guessing over SSH on one host of a fleet,
// then a login that succeeds.
package incident

import "time"

// The facts.
const (
	AgentID     = "007"
	AgentName   = "fleet-007"
	AgentIP     = "10.20.0.7"
	AttackerIP  = "198.51.100.23" // from the documentation range
	User        = "svc-backup"
	Manager     = "wazuh-manager"
	CampaignTag = `misp-galaxy:mitre-attack-pattern="Brute Force - T1110"`
	AccountsTag = `misp-galaxy:mitre-attack-pattern="Valid Accounts - T1078"`
)

// The rules that fired, oldest first: attempts, a burst of them, the burst
// followed by a success.
const (
	RuleInvalidUser  = 5710
	RuleBruteForce   = 5712
	RuleLoginSuccess = 5715
	RuleFailThenWin  = 40112
)

// Start is when the first attempt was made, relative to now: the lab's alerts
// are always recent.
func Start(now time.Time) time.Time { return now.UTC().Truncate(time.Second).Add(-25 * time.Minute) }
