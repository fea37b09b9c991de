package wazuhtest

type stockRule struct {
	id, level   int
	file        string
	description string
	groups      string // those of compliance begin with the standard's name
	mitre       string
}

// stock are some of the rules that come with Wazuh: the facts of 4.14.7, with
// descriptions of our own.
var stock = []stockRule{
	{502, 3, "0015-ossec_rules.xml", "Wazuh manager started", "ossec pci_dss_10.6.1 gpg13_10.1 gdpr_IV_35.7.d hipaa_164.312.b nist_800_53_AU.6 tsc_CC7.2 tsc_CC7.3", ""},
	{503, 3, "0015-ossec_rules.xml", "Wazuh agent started", "ossec pci_dss_10.6.1 pci_dss_10.2.6 gpg13_10.1 gdpr_IV_35.7.d hipaa_164.312.b nist_800_53_AU.6 nist_800_53_AU.14 nist_800_53_AU.5 tsc_CC7.2 tsc_CC7.3 tsc_CC6.8", ""},
	{506, 3, "0015-ossec_rules.xml", "Wazuh agent stopped", "ossec pci_dss_10.6.1 pci_dss_10.2.6 gpg13_10.1 gdpr_IV_35.7.d hipaa_164.312.b nist_800_53_AU.6 nist_800_53_AU.14 nist_800_53_AU.5 tsc_CC7.2 tsc_CC7.3 tsc_CC6.8", "T1562.001"},
	{510, 7, "0015-ossec_rules.xml", "Rootcheck: host-based anomaly", "ossec rootcheck pci_dss_10.6.1 gdpr_IV_35.7.d", ""},
	{533, 7, "0015-ossec_rules.xml", "Listening ports changed: a port was opened or closed", "ossec pci_dss_10.2.7 pci_dss_10.6.1 gpg13_10.1 gdpr_IV_35.7.d hipaa_164.312.b nist_800_53_AU.14 nist_800_53_AU.6 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", ""},
	{550, 7, "0015-ossec_rules.xml", "Integrity checksum changed", "ossec syscheck syscheck_entry_modified syscheck_file pci_dss_11.5 gpg13_4.11 gdpr_II_5.1.f hipaa_164.312.c.1 hipaa_164.312.c.2 nist_800_53_SI.7 tsc_PI1.4 tsc_PI1.5 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1565.001"},
	{553, 7, "0015-ossec_rules.xml", "File deleted", "ossec syscheck syscheck_entry_deleted syscheck_file pci_dss_11.5 gpg13_4.11 gdpr_II_5.1.f hipaa_164.312.c.1 hipaa_164.312.c.2 nist_800_53_SI.7 tsc_PI1.4 tsc_PI1.5 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1070.004 T1485"},
	{554, 5, "0015-ossec_rules.xml", "File added to the system", "ossec syscheck syscheck_entry_added syscheck_file pci_dss_11.5 gpg13_4.11 gdpr_II_5.1.f hipaa_164.312.c.1 hipaa_164.312.c.2 nist_800_53_SI.7 tsc_PI1.4 tsc_PI1.5 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", ""},
	{1002, 2, "0020-syslog_rules.xml", "syslog: unknown problem somewhere in the system", "syslog errors gpg13_4.3", ""},
	{2502, 10, "0020-syslog_rules.xml", "syslog: a user missed the password more than once", "syslog access_control authentication_failed pci_dss_10.2.4 pci_dss_10.2.5 gpg13_7.8 gdpr_IV_35.7.d gdpr_IV_32.2 hipaa_164.312.b nist_800_53_AU.14 nist_800_53_AC.7 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1110"},
	{2902, 7, "0020-syslog_rules.xml", "dpkg: new package installed", "syslog dpkg config_changed pci_dss_10.6.1 pci_dss_10.2.7 gpg13_4.10 gdpr_IV_35.7.d hipaa_164.312.b nist_800_53_AU.6 nist_800_53_AU.14 tsc_CC7.2 tsc_CC7.3 tsc_CC6.8 tsc_CC8.1", ""},
	{4101, 5, "0900-firewall_rules.xml", "firewall: packet dropped", "firewall firewall_drop pci_dss_1.4 gpg13_4.12 gdpr_IV_35.7.d hipaa_164.312.a.1 nist_800_53_SC.7 tsc_CC6.7 tsc_CC6.8", ""},
	{5402, 3, "0020-syslog_rules.xml", "sudo: command run as root", "syslog sudo pci_dss_10.2.5 pci_dss_10.2.2 gpg13_7.6 gpg13_7.8 gpg13_7.13 gdpr_IV_32.2 hipaa_164.312.b nist_800_53_AU.14 nist_800_53_AC.7 nist_800_53_AC.6 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1548.003"},
	{5403, 4, "0020-syslog_rules.xml", "sudo: first use by this user", "syslog sudo", "T1548.003"},
	{5501, 3, "0085-pam_rules.xml", "PAM: login session opened", "pam syslog authentication_success pci_dss_10.2.5 gpg13_7.8 gpg13_7.9 gdpr_IV_32.2 hipaa_164.312.b nist_800_53_AU.14 nist_800_53_AC.7 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1078"},
	{5503, 5, "0085-pam_rules.xml", "PAM: user login failed", "pam syslog authentication_failed pci_dss_10.2.4 pci_dss_10.2.5 gpg13_7.8 gdpr_IV_35.7.d gdpr_IV_32.2 hipaa_164.312.b nist_800_53_AU.14 nist_800_53_AC.7 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1110.001"},
	{5551, 10, "0085-pam_rules.xml", "PAM: many failed logins in a short time", "pam syslog authentication_failures pci_dss_10.2.4 pci_dss_10.2.5 pci_dss_11.4 gpg13_7.8 gdpr_IV_35.7.d gdpr_IV_32.2 hipaa_164.312.b nist_800_53_AU.14 nist_800_53_AC.7 nist_800_53_SI.4 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1110"},
	{5710, 5, "0095-sshd_rules.xml", "sshd: login attempt for a user that does not exist", "syslog sshd authentication_failed gdpr_IV_35.7.d gdpr_IV_32.2 gpg13_7.1 hipaa_164.312.b invalid_login nist_800_53_AU.14 nist_800_53_AC.7 nist_800_53_AU.6 pci_dss_10.2.4 pci_dss_10.2.5 pci_dss_10.6.1 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1110.001 T1021.004"},
	{5712, 10, "0095-sshd_rules.xml", "sshd: brute force, many attempts for users that do not exist", "syslog sshd authentication_failures gdpr_IV_35.7.d gdpr_IV_32.2 hipaa_164.312.b nist_800_53_SI.4 nist_800_53_AU.14 nist_800_53_AC.7 pci_dss_11.4 pci_dss_10.2.4 pci_dss_10.2.5 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1110"},
	{5715, 3, "0095-sshd_rules.xml", "sshd: authentication success", "syslog sshd authentication_success gdpr_IV_32.2 gpg13_7.1 gpg13_7.2 hipaa_164.312.b nist_800_53_AU.14 nist_800_53_AC.7 pci_dss_10.2.5 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1078 T1021"},
	{5760, 5, "0095-sshd_rules.xml", "sshd: authentication failed", "syslog sshd authentication_failed gdpr_IV_35.7.d gdpr_IV_32.2 gpg13_7.1 hipaa_164.312.b nist_800_53_AU.14 nist_800_53_AC.7 pci_dss_10.2.4 pci_dss_10.2.5 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1110.001 T1021.004"},
	{5763, 10, "0095-sshd_rules.xml", "sshd: brute force, many authentication failures", "syslog sshd authentication_failures gdpr_IV_35.7.d gdpr_IV_32.2 hipaa_164.312.b nist_800_53_SI.4 nist_800_53_AU.14 nist_800_53_AC.7 pci_dss_11.4 pci_dss_10.2.4 pci_dss_10.2.5 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1110"},
	{19004, 7, "0570-sca_rules.xml", "SCA: the score of a policy is below 30%", "sca gdpr_IV_35.7.d pci_dss_2.2 nist_800_53_CM.1 tsc_CC7.1 tsc_CC7.2", ""},
	{31101, 5, "0245-web_rules.xml", "Web server: 400 error code", "web accesslog attack pci_dss_6.5 pci_dss_11.4 gdpr_IV_35.7.d nist_800_53_SA.11 nist_800_53_SI.4 tsc_CC6.6 tsc_CC7.1 tsc_CC8.1 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", ""},
	{31103, 7, "0245-web_rules.xml", "Web server: SQL injection attempt", "web accesslog attack sql_injection pci_dss_6.5 pci_dss_11.4 pci_dss_6.5.1 gdpr_IV_35.7.d nist_800_53_SA.11 nist_800_53_SI.4 tsc_CC6.6 tsc_CC7.1 tsc_CC8.1 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1190"},
	{31151, 10, "0245-web_rules.xml", "Web server: many 400 error codes from one address", "web accesslog web_scan recon pci_dss_6.5 pci_dss_11.4 gdpr_IV_35.7.d nist_800_53_SA.11 nist_800_53_SI.4 tsc_CC6.6 tsc_CC7.1 tsc_CC8.1 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1595.002"},
	{40111, 10, "0280-attack_rules.xml", "Many authentication failures", "syslog attacks authentication_failures pci_dss_10.2.4 pci_dss_10.2.5 gpg13_7.1 gpg13_7.8 gdpr_IV_35.7.d gdpr_IV_32.2 hipaa_164.312.b nist_800_53_AU.14 nist_800_53_AC.7 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1110"},
	{40112, 12, "0280-attack_rules.xml", "Many authentication failures, followed by a success", "syslog attacks pci_dss_10.2.4 pci_dss_10.2.5 pci_dss_11.4 gpg13_7.1 gpg13_7.8 gdpr_IV_35.7.d gdpr_IV_32.2 hipaa_164.312.b nist_800_53_AU.14 nist_800_53_AC.7 nist_800_53_SI.4 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1078 T1110"},
	{60106, 3, "0580-win-security_rules.xml", "Windows: logon success", "windows windows_security authentication_success pci_dss_10.2.5 gpg13_7.1 gpg13_7.2 gdpr_IV_32.2 hipaa_164.312.b nist_800_53_AU.14 nist_800_53_AC.9 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1078"},
	{60122, 5, "0580-win-security_rules.xml", "Windows: logon failure, unknown user or bad password", "windows windows_security authentication_failed pci_dss_10.2.4 pci_dss_10.2.5 gpg13_7.1 gdpr_IV_35.7.d gdpr_IV_32.2 hipaa_164.312.b nist_800_53_AU.14 nist_800_53_AC.7 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1531"},
	{60204, 10, "0580-win-security_rules.xml", "Windows: many logon failures", "windows windows_security authentication_failures pci_dss_10.2.4 pci_dss_10.2.5 pci_dss_11.4 gdpr_IV_35.7.d gdpr_IV_32.2 hipaa_164.312.b nist_800_53_AU.14 nist_800_53_AC.7 nist_800_53_SI.4 tsc_CC6.1 tsc_CC6.8 tsc_CC7.2 tsc_CC7.3", "T1110"},
	{87105, 12, "0490-virustotal_rules.xml", "VirusTotal: engines detected a file", "virustotal pci_dss_10.6.1 pci_dss_11.4 gdpr_IV_35.7.d", "T1203"},
	{92057, 12, "0800-sysmon_id_1.xml", "PowerShell was run with an encoded command", "sysmon sysmon_eid1_detections windows", "T1059.001"},
	{92213, 15, "0830-sysmon_id_11.xml", "Executable dropped in a folder that malware likes", "sysmon sysmon_eid11_detections windows", "T1105"},
}

// counts are the conditions of rules of stock that count the alerts of others.
var counts = map[int]Object{
	5712: {"frequency": "8", "timeframe": "120", "ignore": "60", "if_matched_sid": "5710", "same_source_ip": ""},
	5763: {"frequency": "8", "timeframe": "120", "ignore": "60", "if_matched_sid": "5760", "same_source_ip": ""},
}

// techniques are the names and tactics of the techniques that stock names.
var techniques = map[string]struct{ name, tactics string }{
	"T1021":     {"Remote Services", "Lateral Movement"},
	"T1021.004": {"SSH", "Lateral Movement"},
	"T1059.001": {"PowerShell", "Execution"},
	"T1070.004": {"File Deletion", "Defense Evasion"},
	"T1078":     {"Valid Accounts", "Defense Evasion,Persistence,Privilege Escalation,Initial Access"},
	"T1105":     {"Ingress Tool Transfer", "Command and Control"},
	"T1110":     {"Brute Force", "Credential Access"},
	"T1110.001": {"Password Guessing", "Credential Access"},
	"T1190":     {"Exploit Public-Facing Application", "Initial Access"},
	"T1203":     {"Exploitation for Client Execution", "Execution"},
	"T1485":     {"Data Destruction", "Impact"},
	"T1531":     {"Account Access Removal", "Impact"},
	"T1548.003": {"Sudo and Sudo Caching", "Privilege Escalation,Defense Evasion"},
	"T1562.001": {"Disable or Modify Tools", "Defense Evasion"},
	"T1565.001": {"Stored Data Manipulation", "Impact"},
	"T1595.002": {"Vulnerability Scanning", "Reconnaissance"},
}
