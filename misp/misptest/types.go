package misptest

import "strings"

// categories are those of MISP, in its order.
var categories = []string{
	"Internal reference", "Targeting data", "Antivirus detection", "Payload delivery", "Artifacts dropped", "Payload installation", "Persistence mechanism", "Network activity",
	"Payload type", "Attribution", "External analysis", "Financial fraud", "Support Tool", "Social network", "Person", "Other",
}

// usual is what MISP takes for granted of a type.
type usual struct {
	category string
	toIDs    bool
	also     []string // other categories
}

// types are those of MISP 2.5.1.
var types = func() map[string]usual {
	m := map[string]usual{}
	for _, r := range typeRows {
		var also []string
		if r.also != "" {
			also = strings.Split(r.also, ", ")
		}
		for t := range strings.SplitSeq(r.types, ", ") {
			m[t] = usual{r.category, r.toIDs, also}
		}
	}
	return m
}()

// typeRows are the types that have the same usual category, whether they are usually for
// detection, and the other categories that they may have.
var typeRows = []struct {
	category string
	toIDs    bool
	also     string
	types    string
}{
	{"Internal reference", false, "", "git-commit-id"},
	{"Targeting data", false, "", "target-user, target-email, target-machine, target-org, target-location, target-external"},
	{"Payload delivery", true, "Artifacts dropped, Payload installation", "authentihash, vhash, ssdeep, imphash, telfhash, impfuzzy, sha224, sha384, sha512, sha512/224, sha512/256, cdhash, filename|authentihash, filename|vhash, filename|ssdeep, filename|imphash, filename|impfuzzy, filename|pehash, filename|sha224, filename|sha384, filename|sha512, filename|sha512/224, filename|sha512/256, filename|tlsh"},
	{"Payload delivery", true, "Artifacts dropped, Payload installation, External analysis", "md5, sha1, sha256, filename|md5, filename|sha1, filename|sha256, malware-sample, sha3-224, sha3-256, sha3-384, sha3-512, filename|sha3-224, filename|sha3-256, filename|sha3-384, filename|sha3-512"},
	{"Payload delivery", true, "Payload installation", "pehash, tlsh, mobile-application-id, azure-application-id, chrome-extension-id"},
	{"Payload delivery", true, "Artifacts dropped, Payload installation, Persistence mechanism, External analysis", "filename"},
	{"Payload delivery", true, "Network activity, Social network", "email-src"},
	{"Payload delivery", true, "", "email-attachment"},
	{"Payload delivery", false, "", "email-body, email-dst-display-name, email-src-display-name, email-header, email-reply-to, email-x-mailer, email-mime-boundary, email-thread-index, email-message-id"},
	{"Payload delivery", false, "Network activity", "email-subject"},
	{"Payload delivery", false, "Payload installation", "malware-type"},
	{"Artifacts dropped", true, "", "mutex"},
	{"Artifacts dropped", false, "", "pdb, gene, kusto-query, named pipe, process-state, windows-scheduled-task, windows-service-name, windows-service-displayname"},
	{"Artifacts dropped", false, "Payload delivery, Payload installation", "mime-type"},
	{"Payload installation", true, "Payload delivery, Artifacts dropped, Network activity, External analysis", "pattern-in-file, filename-pattern"},
	{"Payload installation", true, "Payload delivery, Artifacts dropped", "yara, sigma"},
	{"Payload installation", true, "Artifacts dropped, External analysis", "pattern-in-memory"},
	{"Payload installation", true, "Payload delivery, Artifacts dropped, Network activity", "stix2-pattern"},
	{"Persistence mechanism", true, "Artifacts dropped, External analysis", "regkey, regkey|value"},
	{"Network activity", true, "Payload delivery, External analysis", "ip-src, ip-dst, hostname, domain, url, ja3-fingerprint-md5, jarm-fingerprint, hassh-md5, hasshserver-md5, ip-dst|port, ip-src|port, onion-address"},
	{"Network activity", true, "External analysis", "domain|ip, snort, bro, zeek, community-id, dom-hash"},
	{"Network activity", true, "Payload delivery, Artifacts dropped, Payload installation, Attribution, External analysis", "x509-fingerprint-sha1, x509-fingerprint-md5, x509-fingerprint-sha256"},
	{"Network activity", true, "", "favicon-mmh3, uri"},
	{"Network activity", true, "Social network", "eppn"},
	{"Network activity", true, "Payload delivery, Social network", "email-dst"},
	{"Network activity", true, "Payload delivery, Payload installation, External analysis", "pattern-in-traffic"},
	{"Network activity", true, "Payload delivery", "hostname|port"},
	{"Network activity", false, "", "http-method, ssh-fingerprint, dkim, dkim-signature"},
	{"Network activity", false, "Payload delivery, External analysis", "user-agent, AS, mac-address, mac-eui-64"},
	{"Network activity", false, "Artifacts dropped", "cookie"},
	{"Network activity", false, "Other", "port"},
	{"Attribution", false, "", "threat-actor, campaign-name, campaign-id, whois-registrant-phone, whois-registrant-name, whois-registrant-org, whois-registrar, whois-creation-date, dns-soa-email"},
	{"Attribution", false, "Payload delivery, Social network", "whois-registrant-email"},
	{"External analysis", false, "Payload delivery, Payload installation", "vulnerability, weakness"},
	{"External analysis", false, "Payload delivery, Payload installation, Other", "cpe"},
	{"External analysis", false, "Antivirus detection, Payload delivery, Artifacts dropped, Payload installation, Network activity, Support Tool", "attachment"},
	{"External analysis", false, "Internal reference, Antivirus detection, Payload delivery, Support Tool", "link"},
	{"External analysis", false, "", "cortex"},
	{"Financial fraud", true, "", "btc, dash, xmr, iban, bic, bank-account-nr, aba-rtn, bin, cc-number, prtn"},
	{"Social network", true, "Payload delivery, Network activity, Attribution, Person", "email"},
	{"Social network", false, "", "github-username, github-organisation, jabber-id, twitter-id"},
	{"Social network", false, "External analysis", "github-repository"},
	{"Person", false, "", "identity-card-number, first-name, middle-name, last-name, full-name, date-of-birth, place-of-birth, gender, passport-number, passport-country, passport-expiration, redress-number, nationality, visa-number, issue-date-of-the-visa, primary-residence, country-of-residence, special-service-request, frequent-flyer-number, travel-details, payment-details, place-port-of-original-embarkation, place-port-of-clearance, place-port-of-onward-foreign-destination, passenger-name-record-locator-number"},
	{"Person", false, "Artifacts dropped, Social network, Other", "pgp-public-key, pgp-private-key"},
	{"Person", false, "Financial fraud, Other", "phone-number"},
	{"Other", false, "", "float, size-in-bytes, counter, integer, datetime, boolean"},
	{"Other", false, everywhere + ", Targeting data", "comment, anonymised"},
	{"Other", false, everywhere, "text, other"},
	{"Other", false, "Internal reference, Antivirus detection, Payload delivery, Artifacts dropped, Payload installation, Persistence mechanism, Network activity, Financial fraud, Support Tool", "hex"},
}

const everywhere = "Internal reference, Antivirus detection, Payload delivery, Artifacts dropped, Payload installation, Persistence mechanism, Network activity, Payload type, Attribution, External analysis, Financial fraud, Support Tool, Social network, Person"
