package settings

// The kinds of a setting's value.
const (
	Text     Kind = iota
	URL           // of a server: http or https
	On            // true or false, 1 or 0, yes or no, on or off
	Not           // the same, and the field is the opposite
	Switch        // the same, read by the gate at each call
	Seconds       // whole seconds
	Int           // a whole number
	Bytes         // a number of bytes, or with KiB, MiB or GiB
	List          // separated by commas
	File          // the path of a file
	Folder        // the path of a folder
	Unneeded      // known from other servers; here nothing depends on it
)

// connection are the settings of the connection to one server. Each is the field
// of the same name of connect.Options.
func connection(prefix, field, of string) []Setting {
	list := []Setting{
		{Name: "CA_FILE", Field: "CAFile", Kind: File, Title: "CA file", Doc: "PEM file of the authority that signed the certificate of " + of + ".", Form: true},
		{Name: "VERIFY_SSL", Field: "SkipTLSVerify", Kind: Not, Title: "verify TLS", Doc: "Whether to verify the certificate of " + of + ": true or false.", Default: "true", Form: true},
		{Name: "TLS_SERVER_NAME", Field: "TLSServerName", Title: "name in the certificate", Doc: "Name that the certificate of " + of + " is for, where that isn't the one in its URL."},
		{Name: "TLS_FINGERPRINT", Field: "TLSFingerprint", Title: "certificate's fingerprint", Doc: "SHA-256 of the certificate of " + of + ": this one and no other is accepted."},
		{Name: "CLIENT_CERT_FILE", Field: "ClientCertFile", Kind: File, Needs: "CLIENT_KEY_FILE", Title: "client certificate", Doc: "PEM file of the certificate to show to " + of + "."},
		{Name: "CLIENT_KEY_FILE", Field: "ClientKeyFile", Kind: File, Needs: "CLIENT_CERT_FILE", Title: "client certificate's key", Doc: "PEM file of that certificate's key."},
		{Name: "HEADERS_FILE", Field: "HeadersFile", Kind: File, Title: "headers", Doc: "File of headers for a proxy in front of " + of + ": Name: value, one a line."},
		{Name: "PROXY", Field: "Proxy", Secret: true, Title: "proxy", Doc: "URL of the proxy to " + of + ", or none; otherwise HTTPS_PROXY and NO_PROXY hold."},
		{Name: "TIMEOUT", Field: "Timeout", Kind: Seconds, Min: 1, Max: 3600, Title: "timeout", Doc: "Seconds that a request may take; 30 unless set.", Form: true},
		{Name: "MAX_ANSWER", Field: "MaxBody", Kind: Bytes, Title: "largest answer", Doc: "Bytes that an answer of " + of + " may have, such as 64MiB; 10MiB unless set."},
		{Name: "MAX_IN_FLIGHT", Field: "MaxInFlight", Kind: Int, Min: 1, Max: 1000, Title: "requests at once", Doc: "How many requests to " + of + " are under way at once; 16 unless set."},
		{Name: "RETRY", Field: "Retry.Off", Kind: Not, Title: "retry", Doc: "Whether a read that failed for now is repeated: true or false.", Default: "true"},
		{Name: "RETRY_WAIT", Field: "Retry.MaxWait", Kind: Seconds, Min: 1, Max: 600, Title: "longest wait", Doc: "Seconds that the server may ask to wait before a retry; 10 unless set."},
	}
	for i := range list {
		s := &list[i]
		s.Name, s.Field, s.Title = prefix+s.Name, field+s.Field, of+": "+s.Title
		if s.Needs != "" {
			s.Needs = prefix + s.Needs
		}
	}
	return list
}

// Wazuh returns the settings of the client of Wazuh. Tables are functions, so that
// a program links those that it reads.
func Wazuh() Group {
	return Group{System: "wazuh", Title: "Wazuh", Prefix: "WAZUH_", Settings: concat([]Setting{
		{Name: "WAZUH_URL", Aliases: []string{"WAZUH_BASE_URL"}, Field: "BaseURL", Kind: URL, Required: true, Title: "Wazuh: URL", Doc: "Address of the Wazuh server's API, port 55000.", Form: true},
		{Name: "WAZUH_USERNAME", Aliases: []string{"WAZUH_USER"}, Field: "Username", Required: true, Title: "Wazuh: user", Doc: "User of the Wazuh API.", Form: true},
		{Name: "WAZUH_PASSWORD", Field: "Password", Secret: true, Required: true, Title: "Wazuh: password", Doc: "Password of that user.", Form: true},
		{Name: "WAZUH_VERSION", Field: "Version", Title: "Wazuh: version", Doc: "Version of Wazuh, such as 4 or 4.14.7; otherwise the server is asked."},
		{Name: "WAZUH_TIMEZONE", Field: "TimeZone", Title: "Wazuh: time zone", Doc: "Zone in which dates and times without one are meant, and days are counted, such as Europe/Berlin; UTC unless set."},
		{Name: "WAZUH_ALERT_INDEX", Aliases: []string{"WAZUH_ALERTS_INDEX"}, Field: "AlertIndex", Title: "Wazuh: alert indices", Doc: "Where the alerts are, if not in wazuh-alerts-*: one or more patterns, such as site1:wazuh-alerts-*,wazuh-archives-*."},
		{Name: "WAZUH_STATE_INDEX", Aliases: []string{"WAZUH_STATES_INDEX"}, Field: "StateIndex", Title: "Wazuh: indices of states", Doc: "Where vulnerabilities, inventory and files are, if not in wazuh-states-*: one or more patterns that end in *, such as site1:wazuh-states-*."},
		{Name: "WAZUH_LABEL", Field: "Label", Title: "Wazuh: label", Doc: "Only alerts of agents with this label are seen, as customer=acme; of a cluster with several tenants."},
		{Name: "WAZUH_ALLOW_SENSITIVE_CONFIG", Kind: Switch, Title: "Wazuh: secrets", Doc: "Lock of the manager's configuration with its secrets."},
		{Name: "WAZUH_MCP_MAX_RESPONSE_BYTES", Kind: Unneeded, Doc: "-max-response says how many bytes an answer to the agent may have"},
	}, connection("WAZUH_", "", "Wazuh"), []Setting{
		{Name: "WAZUH_INDEXER_URL", Field: "Indexer.BaseURL", Kind: URL, Needs: "WAZUH_INDEXER_PASSWORD", Or: "WAZUH_INDEXER_CLIENT_CERT_FILE", Title: "Indexer: URL", Doc: "Address of the Wazuh indexer, port 9200, where the alerts are.", Form: true},
		{Name: "WAZUH_INDEXER_USERNAME", Field: "Indexer.Username", Fallback: "admin", Title: "Indexer: user", Doc: "User of the indexer.", Form: true},
		{Name: "WAZUH_INDEXER_PASSWORD", Field: "Indexer.Password", Secret: true, Needs: "WAZUH_INDEXER_URL", Title: "Indexer: password", Doc: "Password of that user; not needed with a client certificate.", Form: true},
	}, connection("WAZUH_INDEXER_", "Indexer.", "the indexer"))}
}

// TheHive returns those of the client of TheHive.
func TheHive() Group {
	return Group{System: "thehive", Title: "TheHive", Prefix: "THEHIVE_", Settings: concat([]Setting{
		{Name: "THEHIVE_URL", Field: "BaseURL", Kind: URL, Required: true, Title: "TheHive: URL", Doc: "Address of TheHive 5.", Form: true},
		{Name: "THEHIVE_API_KEY", Field: "APIKey", Secret: true, Required: true, Title: "TheHive: API key", Doc: "Key of the user to act as in TheHive.", Form: true},
		{Name: "THEHIVE_ORGANISATION", Field: "Organisation", Title: "TheHive: organisation", Doc: "Organisation to work in, if the user has several.", Form: true},
		{Name: "THEHIVE_LOCAL_ANALYZERS", Field: "LocalAnalyzers", Kind: List, Title: "TheHive: local analyzers", Doc: "Analyzers that show an observable to nobody outside; every other is a third party."},
		{Name: "THEHIVE_INTERNAL_SUFFIXES", Field: "InternalSuffixes", Kind: List, Title: "TheHive: internal domains", Doc: "Domains whose names go to no third party."},
		{Name: "THEHIVE_FILE_BASE_DIR", Field: "FileBaseDir", Kind: Folder, Title: "TheHive: folder of files", Doc: "Folder below which files are taken from and saved to; unset: by content only."},
		{Name: "THEHIVE_ALLOW_DESTRUCTIVE_TOOLS", Kind: Switch, Title: "TheHive: destructive tools", Doc: "Lock of deleting, merging and promoting."},
		{Name: "THEHIVE_ENABLE_RAW_QUERY", Kind: Switch, Title: "TheHive: raw queries", Doc: "Lock of thehive_query."},
	}, connection("THEHIVE_", "", "TheHive"))}
}

// Cortex returns those of the client of Cortex.
func Cortex() Group {
	return Group{System: "cortex", Title: "Cortex", Prefix: "CORTEX_", Settings: concat([]Setting{
		{Name: "CORTEX_URL", Field: "BaseURL", Kind: URL, Required: true, Title: "Cortex: URL", Doc: "Address of Cortex, without /api.", Form: true},
		{Name: "CORTEX_API_KEY", Field: "APIKey", Secret: true, Required: true, Title: "Cortex: API key", Doc: "Key of the user to act as in Cortex.", Form: true},
		{Name: "CORTEX_SUPERADMIN_KEY", Field: "SuperadminKey", Secret: true, Title: "Cortex: superadmin's key", Doc: "For organisations, users and their keys."},
		{Name: "CORTEX_KEY_DIR", Field: "KeyDir", Kind: Folder, Title: "Cortex: folder of keys", Doc: "Folder that keys of users are written to."},
		{Name: "CORTEX_SECRETS_DIR", Field: "SecretsDir", Kind: Folder, Title: "Cortex: folder of secrets", Doc: "Folder that secrets of analyzers are read from."},
		{Name: "CORTEX_FILE_BASE_DIR", Field: "FileBaseDir", Kind: Folder, Title: "Cortex: folder of files", Doc: "Folder below which files may be submitted by path; unset: by content only."},
		{Name: "CORTEX_MAX_FILE", Field: "MaxFile", Kind: Bytes, Title: "Cortex: largest file", Doc: "How much a file may have that is submitted, where Cortex's play.http.parser.maxDiskBuffer is not the default; 10 MiB unless set."},
		{Name: "CORTEX_MAX_FANOUT", Field: "MaxFanout", Kind: Int, Min: 1, Max: 100, Title: "Cortex: fan-out", Doc: "How many analyzers one call may name; 10 unless set.", Form: true},
		{Name: "CORTEX_LOCAL_ANALYZERS", Field: "LocalAnalyzers", Kind: List, Title: "Cortex: local analyzers", Doc: "Analyzers that show an observable to nobody outside; every other is a third party."},
		{Name: "CORTEX_INTERNAL_SUFFIXES", Field: "InternalSuffixes", Kind: List, Title: "Cortex: internal domains", Doc: "Domains whose names go to no third party."},
		{Name: "CORTEX_ALLOW_DESTRUCTIVE", Kind: Switch, Title: "Cortex: responders", Doc: "Lock of responders."},
	}, connection("CORTEX_", "", "Cortex"))}
}

// MISP returns those of the client of MISP.
func MISP() Group {
	return Group{System: "misp", Title: "MISP", Prefix: "MISP_", Settings: concat([]Setting{
		{Name: "MISP_URL", Field: "BaseURL", Kind: URL, Required: true, Title: "MISP: URL", Doc: "Address of MISP.", Form: true},
		{Name: "MISP_API_KEY", Field: "APIKey", Secret: true, Required: true, Title: "MISP: API key", Doc: "Key of the user to act as in MISP.", Form: true},
		{Name: "MISP_FILE_BASE_DIR", Field: "FileBaseDir", Kind: Folder, Title: "MISP: folder of files", Doc: "Folder below which exports are saved and STIX files are taken from; unset: by content only."},
		{Name: "MISP_ALLOW_DESTRUCTIVE", Kind: Switch, Title: "MISP: destructive tools", Doc: "Pre-authorises deleting, publishing and untagging."},
	}, connection("MISP_", "", "MISP"))}
}

// ATTACK returns those of ATT&CK.
func ATTACK() Group {
	return Group{System: "attack", Title: "ATT&CK", Prefix: "MITRE_", Settings: []Setting{
		{Name: "MITRE_MATRICES", Field: "Matrices", Kind: List, Title: "ATT&CK: matrices", Doc: "ATT&CK matrices to load: enterprise, mobile, ics.", Form: true},
		{Name: "MITRE_DATA_DIR", Field: "DataDir", Kind: Folder, Title: "ATT&CK: data folder", Doc: "Folder for the full ATT&CK data.", Form: true},
		{Name: "MITRE_UPDATE_FROM", Field: "UpdateFrom", Title: "ATT&CK: updates", Doc: "Folder or address that mitre_update_data takes bundles from, or off; MITRE's own address unless set."},
		{Name: "MITRE_SIGMA_DIR", Field: "SigmaDir", Kind: Folder, Title: "ATT&CK: Sigma rules", Doc: "Folder with Sigma rules of one's own, for mitre_soc_coverage."},
		{Name: "MITRE_SOC_ALLOW_WRITES", Kind: Switch, Title: "ATT&CK: writes", Doc: "Pre-authorises what mitre-mcp writes to the platforms."},
		{Name: "MITRE_UPDATE_INTERVAL", Kind: Unneeded, Doc: "data changes when mitre_update_data is called, and not by itself"},
	}}
}

// Gate returns those of the gate.
func Gate() Group {
	return Group{System: "gate", Title: "the gate", Prefix: "SALLYPORT_", Settings: []Setting{
		{Name: "SALLYPORT_APPROVAL", Title: "Who approves", Doc: "Who attests that a human said yes: operator, client or host.", Default: "operator", Form: true},
		{Name: "SALLYPORT_STATE", Kind: Folder, Title: "State folder", Doc: "Folder of the gate's journal, or address of its PostgreSQL database for servers on several hosts; share it with the gate command.", Form: true},
		{Name: "SALLYPORT_STATE_FILE", Kind: File, Title: "File of the state", Doc: "File that holds that address, where it has a password."},
		{Name: "SALLYPORT_OTHER_USER", Title: "Other user", Doc: "User, by name or number, who shares the state folder with the one who runs this: whom the servers run as, or who approves."},
		{Name: "SALLYPORT_POLICY", Kind: File, Title: "Policy", Doc: "JSON file of budgets, breaker, protected targets and number of approvers."},
		{Name: "SALLYPORT_HTTP_TOKENS", Kind: File, Title: "Tokens", Doc: "File of bearer tokens for -http."},
	}}
}

// Platforms are those that have a server of their own.
func Platforms() []Group { return []Group{Wazuh(), TheHive(), Cortex(), MISP()} }

func concat(lists ...[]Setting) (all []Setting) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}
