package wazuh_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// TestEverySecretOfTheOptionReferenceIsCutOut has each option of a module of
// Wazuh that holds a secret, and those in which one can stand.
func TestEverySecretOfTheOptionReferenceIsCutOut(t *testing.T) {
	t.Parallel()
	const secret = "S3cr3tValue0123456789"
	for _, config := range []wazuhtest.Object{
		{"ms-graph": wazuhtest.Object{"api_auth": []wazuhtest.Object{{"client_id": "keep-1", "tenant_id": "keep-2", "secret_value": secret, "api_type": "keep-3"}}}},
		{"office365": wazuhtest.Object{"api_auth": wazuhtest.Object{"tenant_id": "keep-1", "client_id": "keep-2", "client_secret": secret, "client_secret_path": "keep-3"}}},
		{"github": wazuhtest.Object{"api_auth": wazuhtest.Object{"org_name": "keep-1", "api_token": secret}}},
		{"aws-s3": wazuhtest.Object{"bucket": []wazuhtest.Object{{"name": "keep-1", "access_key": secret, "secret_key": secret, "aws_profile": "keep-2", "aws_account_id": "keep-3", "iam_role_arn": "keep-4"}}}},
		{"azure-logs": wazuhtest.Object{"log_analytics": wazuhtest.Object{"application_id": "keep-1", "application_key": secret, "auth_path": "keep-2", "tenantdomain": "keep-3"}, "storage": wazuhtest.Object{"account_name": "keep-4", "account_key": secret}}},
		{"gcp-pubsub": wazuhtest.Object{"project_id": "keep-1", "credentials_file": "keep-2"}},
		{"fluent-forward": wazuhtest.Object{"shared_key": secret, "user": "keep-1", "password": secret, "ca_file": "keep-2"}},
		{"cluster": wazuhtest.Object{"name": "keep-1", "key": secret, "haproxy_helper": wazuhtest.Object{"haproxy_user": "keep-2", "haproxy_password": secret, "client_cert_password": secret, "client_cert_key": "keep-3"}}},
		{"integration": []wazuhtest.Object{{"name": "keep-1", "api_key": secret}, {"name": "custom-x", "hook_url": "https://keep-2.example.org/a/" + secret}}},
		{"integration": wazuhtest.Object{"name": "slack", "options": `{"channel": "keep-1", "token": "` + secret + `", "nested": {"headers": {"Authorization": "Bearer ` + secret + `", "Accept": "keep-2"}}, "list": [{"routing_key": "` + secret + `"}], "hook": "https://hooks.slack.com/services/T/B/` + secret + `"}`}},
		{"integration": wazuhtest.Object{"name": "custom-teams", "options": `{"url": "https://keep-1.webhook.office.com/webhookb2/` + secret + `"}`}},
		{"database_output": wazuhtest.Object{"hostname": "keep-1", "username": "keep-2", "password": secret}},
		{"global": wazuhtest.Object{"email_to": "keep-1", "slack_url": "https://hooks.slack.com/services/T000/B000/" + secret}},
		{"labels": []wazuhtest.Object{{"key": "keep-1", "value": "keep-2", "hidden": "no"}, {"key": "api_token", "value": secret}}},
		{"auth": wazuhtest.Object{"use_password": "yes", "ssl_manager_key": "keep-1", "ciphers": "keep-2", "key_request": wazuhtest.Object{"enabled": "keep-3"}}},
		{"syscheck": wazuhtest.Object{"directories": wazuhtest.Object{"path": "keep-1", "audit_key": "keep-2"}, "whodata": wazuhtest.Object{"audit_key": []string{"keep-3"}}}},
		{"command": wazuhtest.Object{"command": []string{`curl -s -H "X-Api-Key: ` + secret + `" https://keep-1.example.org/v1`, `curl -uprobe:` + secret + ` https://keep-2`, `wget --http-password=` + secret + ` https://keep-3`}}},
		{"localfile": wazuhtest.Object{"command": []string{`snmpwalk -v2c -c ` + secret + ` keep-1`, `sshpass -p ` + secret + ` ssh root@keep-2`, `redis-cli -h keep-3 -a ` + secret + ` info`, `ldapsearch -D cn=keep-4 -w ` + secret, `PGPASSWORD=` + secret + ` psql -U keep-5`,
			`smbclient -U keep-6%` + secret + ` //srv/x`, `openssl pkcs12 -passin pass:` + secret + ` -in keep-7`, `python3 x.py --account_key ` + secret + ` --account_name keep-8`, `curl https://api.telegram.org/bot123456:` + secret + `/getMe?x=keep-9`}}},
		{"integration": wazuhtest.Object{"options": `{"text": "see https://discord.com/api/webhooks/1/` + secret + `", "dsn": "postgres://u:` + secret + `@keep-1/db", "gh": "ghp_` + secret + secret + `"}`}},
		{"remote": wazuhtest.Object{"port": "keep-1", "password": wazuhtest.Object{"item": secret, "hint": "keep-2"}}},
	} {
		got, redacted := shown(t, config)
		if strings.Contains(got, secret) {
			t.Errorf("the secret stands in %s", got)
		}
		whole := string(must(json.Marshal(config)))
		for n := 1; n <= 9; n++ {
			if kept := fmt.Sprint("keep-", n); strings.Contains(whole, kept) && !strings.Contains(got, kept) {
				t.Errorf("%s is gone from %s", kept, got)
			}
		}
		if strings.Contains(whole, secret) != (len(redacted) > 0) {
			t.Errorf("redacted %q of %s", redacted, whole)
		}
	}
}

// shown is what get_manager_config shows of a configuration, and what it cut out.
func shown(t *testing.T, config wazuhtest.Object) (string, []string) {
	t.Helper()
	s := wazuhtest.New(t)
	c := s.Client(func(cfg *wazuh.Config) { cfg.Version = "4.14.7" })
	if _, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{Limit: 1}); err != nil { // logs in
		t.Fatal(err)
	}
	s.FailNext(wazuhtest.ManagerAPI, wazuhtest.Fault{Status: 200, Body: `{"data":{"affected_items":[` + string(must(json.Marshal(config))) + `],"total_affected_items":1,"total_failed_items":0,"failed_items":[]},"error":0}`})
	m, err := c.GetManagerConfig(t.Context(), wazuh.GetManagerConfigInput{})
	if err != nil {
		t.Fatal(err)
	}
	return string(must(json.Marshal(m.Configuration))), m.Redacted
}

// TestWhatIsNoSecretStays has what looks like a secret and is none.
func TestWhatIsNoSecretStays(t *testing.T) {
	t.Parallel()
	config := wazuhtest.Object{
		"auth":    wazuhtest.Object{"use_password": "yes", "ssl_manager_key": "etc/sslmanager.key", "ssl_agent_ca": "x", "limit_maxagents": "yes", "force": wazuhtest.Object{"key_mismatch": "yes"}},
		"indexer": wazuhtest.Object{"hosts": []string{"https://10.20.0.3:9200"}, "ssl": wazuhtest.Object{"key": []string{"/etc/filebeat/certs/filebeat-key.pem"}}},
		"labels":  []wazuhtest.Object{{"key": "aws.instance-id", "value": "i-0123456789"}}, "syscheck": wazuhtest.Object{"whodata": wazuhtest.Object{"audit_key": []string{"wazuh_fim"}}, "directories": []wazuhtest.Object{{"path": "/etc/passwd", "restrict": ".key$"}}},
		"localfile": []wazuhtest.Object{{"command": "df -P -u root /var/key"}, {"command": "netstat -tulpn | sort -k 4 -u"}, {"command": "mysql -u root -e 'show status'"}, {"query": `<QueryList><Query Path="Security"/></QueryList>`, "location": "Security"}},
		"wodle":     []wazuhtest.Object{{"name": "command", "tag": "key-check", "command": "/usr/bin/check_token_service --user root --key-file /etc/k.pem"}}, "integration": wazuhtest.Object{"name": "shuffle", "options": `{"severity": 3,  "tokens_per_minute": "60"}`, "alert_format": "json"},
		"active-response": []wazuhtest.Object{{"command": "firewall-drop", "location": "local", "rules_id": "5763"}}, "vulnerability-detection": wazuhtest.Object{"offline-url": "file:///opt/feed"},
	}
	got, redacted := shown(t, config)
	var have, want any
	if err := json.Unmarshal([]byte(got), &have); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(must(json.Marshal(config)), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, have); diff != "" || redacted != nil {
		t.Errorf("redacted %q (-want +got):\n%s", redacted, diff)
	}
}
