package wazuh

import (
	"slices"
	"strings"
	"sync"
)

// A Meaning is what a field of an alert tells about the event.
type Meaning string

// What a field can tell. Which fields tell it is said once, in a table: filters,
// columns, the pivots of a context, statistics, text search and observables all
// come from it.
const (
	MeaningSourceAddress      Meaning = "source_ip"
	MeaningDestinationAddress Meaning = "destination_ip"
	MeaningOtherAddress       Meaning = "address" // neither side's: an answer of DNS, an interface's
	MeaningActingUser         Meaning = "user"
	MeaningTargetUser         Meaning = "target_user"
	MeaningHost               Meaning = "host"
	MeaningHash               Meaning = "hash"
	MeaningProcess            Meaning = "process"
	MeaningParentProcess      Meaning = "parent_process"
	MeaningCommand            Meaning = "command"
	MeaningParentCommand      Meaning = "parent_command"
	MeaningPath               Meaning = "path"
	MeaningRegistryKey        Meaning = "registry"
	MeaningURL                Meaning = "url"
	MeaningDomain             Meaning = "domain"
	MeaningDNSQuery           Meaning = "dns_query"
	MeaningMail               Meaning = "mail"
	MeaningService            Meaning = "service"
	MeaningAction             Meaning = "action"
	MeaningOutcome            Meaning = "outcome"
	MeaningCountry            Meaning = "country"
	MeaningThreat             Meaning = "threat"
	MeaningCVE                Meaning = "cve"
)

// A branch is names below a path; those of an empty one stand by themselves.
type branch struct {
	path  string
	below names
}

type names []string

// fieldsIn are the fields of branches.
func fieldsIn(branches []branch) []string {
	var list []string
	for _, b := range branches {
		for _, name := range b.below {
			if b.path != "" {
				name = b.path + "." + name
			}
			list = append(list, name)
		}
	}
	return list
}

// meaningTable says which fields tell what, the most telling first: those in which
// Wazuh's decoders, the modules' own alerts and the rules of 4.14.7 put it, the
// fields from which the indexer's pipeline of 4.14.7 takes an alert's place, the
// fields of its alert template, and last the names of the Elastic Common Schema,
// in whose words the findings of Wazuh 5 are.
var meaningTable = []struct {
	tells  Meaning
	fields []branch
}{
	{MeaningSourceAddress, []branch{
		{"data", names{"srcip", "src_ip"}},
		{"data.win.eventdata", names{"ipAddress", "sourceIp", "sourceAddress", "clientAddress", "client Address", "source Address"}},
		{"data.aws", names{"sourceIPAddress", "source_ip_address", "client_ip", "srcaddr", "remote_ip", "httpRequest.clientIp", "src_ip", "srcip"}},
		{"data.aws.service.action", names{"networkConnectionAction.remoteIpDetails.ipAddressV4", "awsApiCallAction.remoteIpDetails.ipAddressV4",
			"portProbeAction.portProbeDetails.remoteIpDetails.ipAddressV4", "kubernetesApiCallAction.remoteIpDetails.ipAddressV4", "rdsLoginAttemptAction.remoteIpDetails.ipAddressV4"}},
		{"data.gcp", names{"jsonPayload.sourceIP", "jsonPayload.connection.src_ip", "jsonPayload.src_ip", "protoPayload.requestMetadata.callerIp", "httpRequest.remoteIp"}},
		{"data.office365", names{"ClientIP", "ClientIPAddress", "ActorIpAddress"}},
		{"data.ms-graph", names{"ipAddress", "actor.ipAddress", "initiatedBy.user.ipAddress", "evidence.ipAddress"}},
		{"data", names{"properties.initiatedBy.user.ipAddress", "properties.ipAddress", "callerIpAddress", "CallerIpAddress", "azure.callerIpAddress"}},
		{"data", names{"github.actor_ip", "src_endpoint.ip", "audit.srcip", "audit.addr", "id.orig_h", "osquery.columns.src_ip", "osquery.columns.host"}},
		{"data", names{"source_ip", "sourceip", "sourceIp", "source_address", "sourceAddress", "source.ip", "source.address", "src", "src_addr", "srcaddr", "client_ip", "clientip", "clientIp", "ClientIP",
			"remote_ip", "remote_addr", "remoteip", "remip", "attacker_ip", "saddr", "http.client_ip", "httpRequest.clientIp", "sourceIPAddress", "ipAddress"}},
		{"data", names{"srcip2", "mariadb.ip", "x_forwarded_for", "xff_address", "forwardedfor", "client_dyn_ip"}},
		{"data.parameters.alert.data", names{"srcip", "src_ip", "win.eventdata.ipAddress", "aws.sourceIPAddress", "office365.ClientIP"}},
		{"source", names{"ip", "address"}}, {"client", names{"ip"}},
	}},
	{MeaningDestinationAddress, []branch{
		{"data", names{"dstip", "dest_ip", "dst_ip"}},
		{"data.win.eventdata", names{"destinationIp", "destAddress", "destinationAddress"}},
		{"data.aws", names{"dstaddr", "pkt_dstaddr", "dst_ip", "destination_ip", "service.action.networkConnectionAction.localIpDetails.ipAddressV4"}},
		{"data", names{"dst_endpoint.ip", "gcp.jsonPayload.connection.dest_ip", "gcp.jsonPayload.dest_ip", "id.resp_h", "port.remote_ip",
			"osquery.columns.dst_ip", "osquery.columns.remote_address", "destination_ip", "destinationip", "destinationIp", "destination_address", "destinationAddress", "destination.ip", "destination.address",
			"dst", "dst_addr", "dstaddr", "daddr", "dest", "server_ip", "serverip", "tunnelip"}},
		{"data.parameters.alert.data", names{"dstip", "dest_ip", "win.eventdata.destinationIp"}},
		{"destination", names{"ip", "address"}}, {"server", names{"ip"}},
	}},
	{MeaningOtherAddress, []branch{
		{"data.win.eventdata", names{"queryResults", "address"}},
		{"data.aws.resource.instanceDetails.networkInterfaces", names{"privateIpAddress", "publicIp"}},
		{"data", names{"port.local_ip", "netinfo.iface.ipv4.address", "netinfo.iface.ipv6.address", "ip", "IP", "ip_address", "address", "nat_ip", "tranip", "transip", "gcp.jsonPayload.authAnswer", "dns.answers.rdata", "dns.rdata", "dns.grouped.A", "dns.grouped.AAAA"}},
		{"data", names{"nat_source_ip", "nat_destination_ip", "nat_srcip", "nat_dstip", "mapped_src_ip", "mapped_dst_ip", "tran_src_ip", "tran_dst_ip", "xlatesrc", "xlatedst", "assignip", "host_ip", "LocalIp", "locip", "ip.address", "ipaddr", "qualysguard.ip", "dstcip"}},
		{"", names{"GeoLocation.ip", "agent.ip", "related.ip", "host.ip", "wazuh.agent.host.ip", "dns.resolved_ip"}},
	}},
	{MeaningActingUser, []branch{
		{"data", names{"srcuser", "src_user"}},
		{"data.win.eventdata", names{"subjectUserName", "user", "sourceUser", "accountName", "detection User", "callerUserName", "clientUserName"}},
		{"data.win", names{"logFileCleared.subjectUserName"}},
		{"data.aws", names{"userIdentity.userName", "userIdentity.sessionContext.sessionIssuer.userName", "userIdentity.principalId", "userIdentity.arn", "resource.accessKeyDetails.userName", "user", "username", "user_name", "requester", "actor"}},
		{"data.office365", names{"UserId", "Actor.ID", "LogonUserSid"}},
		{"data", names{"github.actor", "gcp.protoPayload.authenticationInfo.principalEmail", "gcp.jsonPayload.actor.user"}},
		{"data.ms-graph", names{"actor.userPrincipalName", "initiatedBy.user.userPrincipalName", "userPrincipalName", "actorDisplayName", "userStates.userPrincipalName", "evidence.userAccount.userPrincipalName", "evidence.userAccount.accountName", "evidence.loggedOnUsers.accountName", "actor.userId"}},
		{"data", names{"properties.initiatedBy.user.userPrincipalName", "properties.userPrincipalName", "properties.userDisplayName", "identity", "claims.name"}},
		{"data.audit", names{"acct", "auid", "uid", "euid"}}, {"data", names{"uid", "euid"}},
		{"data", names{"osquery.columns.username", "osquery.columns.user", "osquery.decorations.username", "user", "username", "userName", "user_name", "user.name", "usr", "suser", "unauthuser", "login", "account", "accountName", "email", "actor", "src_user_name", "process.euser", "process.suser"}},
		{"data", names{"source_user", "database_user", "account_name", "subject.account_name", "mariadb.username", "usrName", "userID", "userid", "LoggedUser", "SourceUserName", "client_user", "xauthuser", "ldap_data.Username", "src_email", "admin", "cylance_threats.file_owner"}},
		{"syscheck.audit", names{"login_user.name", "effective_user.name", "user.name"}},
		{"data.parameters.alert.data", names{"srcuser", "win.eventdata.subjectUserName", "win.eventdata.user"}},
		{"user", names{"name", "email"}}, {"", names{"source.user.name", "related.user"}},
	}},
	{MeaningTargetUser, []branch{
		{"data", names{"dstuser", "dst_user"}},
		{"data.win.eventdata", names{"targetUserName", "samAccountName", "targetUser", "memberName", "targetOutboundUserName", "newTargetUserName", "parentUser"}},
		{"data", names{"aws.requestParameters.userName", "aws.responseElements.user.userName", "office365.TargetUserOrGroupName", "office365.MailboxOwnerUPN", "office365.Target.ID", "github.user",
			"properties.targetResources.userPrincipalName", "ms-graph.targetResources.userPrincipalName", "ms-graph.resources.displayName", "target_user", "targetUser", "duser", "process.ruser"}},
		{"data", names{"destination_user", "TargetUserName", "new_user", "removed_user"}},
		{"data.parameters.alert.data", names{"dstuser", "win.eventdata.targetUserName"}},
		{"", names{"user.target.name", "user.changes.name", "destination.user.name"}},
	}},
	{MeaningHost, []branch{
		{"data.win", names{"system.computer", "eventdata.workstationName", "eventdata.sourceHostname", "eventdata.workstation", "eventdata.clientName", "eventdata.targetServerName"}},
		{"", names{"predecoder.hostname", "agent.name"}},
		{"data", names{"system_name", "devname", "device_name", "deviceName", "hostname", "host", "computer", "computer_name", "dvchost", "srcname", "src_host", "osquery.hostIdentifier", "osquery.decorations.hostname", "aws.resource.instanceDetails.instanceId",
			"aws.dimensions.instanceId", "gcp.jsonPayload.vmInstanceName", "gcp.resource.labels.instance_id", "docker.Actor.Attributes.name", "ms-graph.deviceName", "ms-graph.evidence.deviceDnsName", "ms-graph.managedDeviceName", "os.hostname"}},
		{"data", names{"ms-graph.evidence.hostName", "parameters.alert.predecoder.hostname", "dvc", "srchost", "machinename", "machine_name", "source_hostname", "HostName", "TargetHostName", "caller_computer", "cylance_threats.device_name", "cylance_events.devicename", "identHostName", "qualysguard.dns_hostname", "qualysguard.netbios_hostname", "pod_name", "sysmon.sourceHostname", "mariadb.host"}},
		{"", names{"host.name", "host.hostname", "wazuh.agent.name", "wazuh.agent.host.hostname"}},
	}},
	{MeaningHash, []branch{
		{"syscheck", names{"sha256_after", "sha1_after", "md5_after", "sha256_before", "sha1_before", "md5_before"}},
		{"data.win.eventdata", names{"hashes", "hash", "imphash", "sHA1", "sHA256", "fileHash", "sha1 Hash", "sha256 Hash"}}, {"data.win.ruleAndFileData", names{"fileHash"}},
		{"data.virustotal", names{"source.md5", "source.sha1", "sha1"}}, {"data.parameters.alert.syscheck", names{"md5_after", "sha1_after", "sha256_after"}},
		{"data", names{"sha256", "sha1", "md5", "hash", "file_hash", "filehash", "fileinfo.sha256", "fileinfo.sha1", "fileinfo.md5", "files.sha256", "files.md5", "tls.ja3.hash", "tls.ja3s.hash", "ja3",
			"osquery.columns.sha256", "osquery.columns.sha1", "osquery.columns.md5", "YARA.reference", "yara.hash", "hash_md5", "hash_sha256", "imphash",
			"ms-graph.evidence.fileDetails.sha256", "ms-graph.evidence.fileDetails.sha1", "ms-graph.evidence.imageFile.sha256", "ms-graph.evidence.imageFile.sha1", "ms-graph.evidence.fileDetails.md5"}},
		{"data", names{"sysmon.hashes", "sysmon.hash", "cylance_threats.sha256", "cylance_threats.md5", "cylance_events.sha256", "cylance_events.md5", "Hash", "ParentHash", "ChildHash", "SourceProcessHash", "file_digest", "partial_hash"}},
		{"file.hash", names{"sha256", "sha1", "md5"}}, {"process.hash", names{"sha256", "sha1", "md5"}}, {"", names{"related.hash"}},
	}},
	{MeaningProcess, []branch{
		{"data.win.eventdata", names{"image", "newProcessName", "processName", "process Name", "sourceImage", "application", "callerProcessName"}},
		{"data", names{"audit.exe", "process.name", "osquery.columns.name", "osquery.columns.process_name", "process_name", "processName", "process", "exe", "program", "docker.Actor.Attributes.image"}},
		{"data", names{"sysmon.image", "sysmon.sourceImage", "defender.processname", "SourceProcessName"}},
		{"", names{"syscheck.audit.process.name", "process.executable", "process.name"}},
	}},
	{MeaningParentProcess, []branch{
		{"data.win.eventdata", names{"parentImage", "parentProcessName", "creatorProcessName"}}, {"data", names{"osquery.columns.parent_name", "parent_process", "ppid_name", "sysmon.parentImage", "ParentPath"}},
		{"", names{"syscheck.audit.process.parent_name", "process.parent.executable", "process.parent.name"}},
	}},
	{MeaningCommand, []branch{
		{"data.win.eventdata", names{"commandLine", "scriptBlockText", "processCommandLine", "payload", "hostApplication"}},
		{"data", names{"command", "audit.command", "audit.execve.a0", "audit.execve.a1", "audit.execve.a2", "audit.execve.a3", "audit.proctitle", "process.cmd", "process.args", "osquery.columns.cmdline", "osquery.columns.command",
			"cmd", "cmdline", "command_line", "commandline", "commandLine", "parameters.program", "ms-graph.evidence.processCommandLine", "sysmon.commandLine"}},
		{"", names{"process.command_line"}},
	}},
	{MeaningParentCommand, []branch{{"data.win.eventdata", names{"parentCommandLine"}}, {"", names{"data.sysmon.parentCommandLine", "process.parent.command_line"}}}},
	{MeaningPath, []branch{
		{"", names{"syscheck.path"}},
		{"data.win.eventdata", names{"targetFilename", "imageLoaded", "path", "imagePath", "serviceFileName", "targetImage", "relativeTargetName", "shareLocalPath", "originalFileName", "currentDirectory", "fileName", "file Name", "contextInfo"}},
		{"data.win.ruleAndFileData", names{"fullFilePath", "filePath"}},
		{"data", names{"file", "audit.file.name", "audit.directory.name", "audit.cwd", "virustotal.source.file", "YARA.scanned_file", "yara.file_path", "office365.SourceFileName", "office365.ObjectId", "aws.key", "aws.requestParameters.key",
			"osquery.columns.path", "osquery.columns.target_path", "sca.check.file", "sca.check.directory", "fileinfo.filename", "filename", "file_name", "file_path", "filepath", "path", "scanned_file", "ms-graph.evidence.fileDetails.filePath", "ms-graph.evidence.fileDetails.fileName"}},
		{"data", names{"sysmon.targetfilename", "sysmon.imageLoaded", "sysmon.targetImage", "defender.path", "defender.pathfound", "Path", "ChildPath", "TargetPath", "TargetFileName", "SourceFilePath", "cylance_threats.file_path", "cylance_threats.file_name", "cylance_events.filepath", "infected_file_path", "infected_files", "target_file"}},
		{"data.parameters.alert.syscheck", names{"path"}},
		{"", names{"file.path", "file.name", "dll.path"}},
	}},
	{MeaningRegistryKey, []branch{{"data.win.eventdata", names{"targetObject", "objectName", "newName", "objectValueName"}}, {"", names{"data.RegKey", "syscheck.value_name", "registry.path", "registry.key"}}}},
	{MeaningURL, []branch{
		{"data", names{"url", "aws.request_uri", "aws.httpRequest.uri", "aws.referer", "aws.url", "http.url", "http.http_refer", "office365.SiteUrl", "office365.ObjectId", "office365.RelativeUrl", "github.config.url", "gcp.httpRequest.requestUrl", "uri", "request", "referer", "referrer", "link", "osquery.columns.url", "ms-graph.evidence.url", "ms-graph.alertWebUrl", "win.eventdata.url", "URL", "aws.finding.Remediation.Recommendation.Url"}},
		{"", names{"url.original", "url.full"}},
	}},
	{MeaningDomain, []branch{
		{"data.win.eventdata", names{"destinationHostname"}},
		{"data", names{"tls.sni", "http.hostname", "aws.host_header", "server_name", "sni", "domain", "dest_host", "dsthost", "dstname", "dst_host", "virtualhost", "vhost", "fqdn", "destination_hostname", "dhost", "sysmon.destinationHostname"}},
		{"", names{"destination.domain", "source.domain", "url.domain"}},
	}},
	{MeaningDNSQuery, []branch{
		{"data", names{"win.eventdata.queryName", "dns.rrname", "dns.question.name", "dns.query.rrname", "dns.queries.rrname", "gcp.jsonPayload.queryName", "aws.service.action.dnsRequestAction.domain", "aws.query_name", "query", "query_name", "qname"}},
		{"", names{"dns.question.name"}},
	}},
	{MeaningMail, []branch{
		{"data", names{"from", "to", "sender", "recipient", "mail_from", "rcpt_to", "smtp.mail_from", "smtp.rcpt_to", "email.from", "email.to", "office365.Item.InternetMessageId", "office365.SenderAddress", "office365.RecipientAddress", "office365.P2Sender", "office365.Recipients", "office365.Item.Subject", "office365.Subject", "e-mail", "hfrom", "subject"}},
		{"", names{"email.from.address", "email.to.address"}},
	}},
	{MeaningService, []branch{
		{"data", names{"win.eventdata.serviceName", "aws.eventSource", "aws.service.serviceName", "aws.source", "office365.Workload", "gcp.protoPayload.serviceName", "win.system.providerName", "app_proto", "service", "service_name", "app", "application", "microservice", "integration", "ms-graph.componentName"}},
		{"", names{"predecoder.program_name", "service.name", "event.provider"}},
	}},
	{MeaningAction, []branch{
		{"data", names{"action", "aws.eventName", "aws.operation", "aws.service.action.awsApiCallAction.api", "aws.service.action.actionType", "aws.action", "office365.Operation", "github.action", "gcp.protoPayload.methodName", "ms-graph.activityType", "ms-graph.activity",
			"docker.Action", "audit.type", "operationName", "activityDisplayName", "properties.activityDisplayName", "event_type", "osquery.action", "http.http_method", "win.eventdata.action Name", "activity_name", "Action", "act", "utmaction", "fw_action", "log_action", "rule_action", "defender.action", "mariadb.operation", "operation", "ThreatActionTaken", "jenkins.action", "disposition"}},
		{"", names{"syscheck.event", "event.action"}},
	}},
	{MeaningOutcome, []branch{
		{"data", names{"aws.errorCode", "aws.error_code", "aws.responseElements.ConsoleLogin", "aws.http_status", "office365.ResultStatus", "audit.success", "audit.res", "ms-graph.activityResult", "win.eventdata.status", "win.eventdata.subStatus", "win.eventdata.failureReason",
			"win.system.severityValue", "sca.check.result", "cis.result", "status", "result", "outcome", "resultType", "resultDescription", "azureSignInStatus.failureReason", "properties.status.failureReason", "gcp.jsonPayload.responseCode", "gcp.protoPayload.status.message", "http.status", "docker.status", "error", "http_status_code", "cylance_threats.file_status"}},
		{"", names{"event.outcome"}},
	}},
	{MeaningCountry, []branch{
		{"", names{"GeoLocation.country_name"}},
		{"data", names{"github.actor_location.country_code", "srccountry", "dstcountry", "country", "source_country", "destination_country", "src_country_code", "dst_country_code", "properties.location.countryOrRegion"}},
		{"data.aws", names{"httpRequest.country", "service.action.networkConnectionAction.remoteIpDetails.country.countryName", "service.action.awsApiCallAction.remoteIpDetails.country.countryName", "service.action.portProbeAction.portProbeDetails.remoteIpDetails.country.countryName"}},
		{"", names{"source.geo.country_name", "source.geo.country_iso_code"}},
	}},
	{MeaningThreat, []branch{
		{"data", names{"win.eventdata.threat Name", "alert.signature", "YARA.rule_name", "yara.rule_name", "aws.type", "aws.finding.Title", "aws.service.additionalInfo.threatName", "ms-graph.title", "ms-graph.threatDisplayName", "virus", "malware", "signature", "threat", "attack", "title", "ThreatName", "MWName", "defender.name", "attack.name", "cylance_threats.classification", "qualysguard.vulnerability_title"}},
		{"", names{"rule.name", "threat.indicator.name", "wazuh.rule.title"}},
	}},
	{MeaningCVE, []branch{{"data", names{"vulnerability.cve", "cve", "alert.metadata.cve"}}, {"", names{"rule.cve", "vulnerability.id"}}}},
}

// meanings is [meaningTable] with whole fields.
var meanings = sync.OnceValue(func() []meaningRow {
	var rows []meaningRow
	for _, row := range meaningTable {
		rows = append(rows, meaningRow{row.tells, fieldsIn(row.fields)})
	}
	return rows
})

type meaningRow struct {
	tells  Meaning
	fields []string
}

// tellers are the fields that tell one thing.
func tellers(of ...Meaning) []string {
	var list []string
	for _, m := range meanings() {
		if slices.Contains(of, m.tells) {
			list = append(list, m.fields...)
		}
	}
	return list
}

// furtherTable are the fields beside those of [meaningTable] that every alert or finding
// may have.
var furtherTable = []branch{
	{"rule", names{"description", "groups", "id", "mitre.id", "mitre.technique", "mitre.tactic", "info", "cis", "pci", "pci_dss", "gdpr", "gpg13", "hipaa", "nist_800_53", "tsc"}},
	{"agent", names{"id", "labels"}}, {"manager", names{"name"}}, {"cluster", names{"name", "node"}}, {"decoder", names{"name", "parent", "ftscomment"}}, {"predecoder", names{"timestamp"}}, {"input", names{"type"}},
	{"", names{"id", "location", "title", "full_log", "previous_output", "previous_log"}},
	{"GeoLocation", names{"city_name", "region_name", "postal_code"}},
	{"data", names{"srcport", "dstport", "src_port", "dest_port", "protocol", "proto", "id", "extra_data", "data", "type", "tty", "time", "log", "message", "msg", "description"}},
	{"data.win.system", names{"eventID", "message", "channel", "providerGuid", "processID", "threadID", "task", "opcode", "keywords", "level", "version", "systemTime", "eventRecordID"}},
	{"data.win.eventdata", names{"targetDomainName", "subjectDomainName", "logonType", "destinationPort", "sourcePort", "ipPort", "ruleName", "details", "description", "product", "company", "grantedAccess", "callTrace", "taskName", "taskContent", "data", "param1", "param2",
		"processId", "parentProcessId", "processGuid", "parentProcessGuid", "logonId", "logonGuid", "targetUserSid", "subjectUserSid", "shareName", "privilegeList", "ticketEncryptionType", "startType", "serviceType", "signature", "pipeName", "eventType", "accessMask", "objectType"}},
	{"data.aws", names{"accountId", "region", "awsRegion", "userAgent", "user_agent", "description", "title", "eventType", "bucket", "log_info.log_file", "log_info.s3bucket", "id", "arn", "userIdentity.type", "userIdentity.accountId", "userIdentity.accessKeyId", "requestParameters.bucketName", "errorMessage"}},
	{"data.office365", names{"UserAgent", "ClientInfoString", "Parameters.Value", "ModifiedProperties.NewValue", "ExtendedProperties.Value", "UserKey", "Id", "OrganizationName", "ApplicationId", "Subscription"}},
	{"data.gcp", names{"resource.type", "resource.labels.project_id", "logName", "severity", "protoPayload.resourceName"}},
	{"data.github", names{"org", "repo", "repository", "team", "name", "hook_id"}}, {"data.ms-graph", names{"description", "id", "category", "severity", "relationship", "resource"}},
	{"data.docker", names{"Actor.ID", "id", "from", "Type", "scope"}}, {"data.osquery", names{"name", "pack", "subquery", "columns.value", "columns.key"}}, {"data.virustotal", names{"permalink", "positives", "description"}},
	{"data.vulnerability", names{"title", "severity", "package.name", "package.version", "reference", "status", "rationale"}}, {"data.sca", names{"policy", "policy_id", "check.title", "check.id", "check.description", "check.rationale", "check.remediation", "check.reason", "check.command"}},
	{"data.audit", names{"key", "subj", "syscall", "tty", "session", "id", "pid", "ppid"}}, {"data.alert", names{"category", "signature_id"}}, {"data.http", names{"http_user_agent"}}, {"data.tls", names{"subject", "issuerdn", "fingerprint"}},
	{"data.parameters", names{"alert.id", "alert.rule.id", "alert.rule.description", "alert.agent.name", "alert.full_log", "extra_args"}},
	{"syscheck", names{"event", "mode", "uname_after", "uname_before", "gname_before", "changed_attributes", "value_name", "diff", "tags", "perm_after", "gname_after", "inode_after", "audit.process.id"}},
	{"", names{"event.original", "event.id", "log.file.path", "message", "process.pid", "host.os.name"}}, {"wazuh.rule", names{"id", "level", "description", "tags", "mitre.technique", "mitre.tactic", "mitre.subtechnique"}}, {"wazuh.agent", names{"id"}}, {"wazuh.integration", names{"name", "category"}},
}

var further = sync.OnceValue(func() []string { return fieldsIn(furtherTable) })

// searched are the fields that text is looked for in whatever the index holds
// beside them, the most telling first.
var searched = sync.OnceValue(func() []string { return slices.Compact(unique(append(tellersOfAll(), further()...))) })

func tellersOfAll() []string {
	var list []string
	for _, m := range meanings() {
		list = append(list, m.fields...)
	}
	return list
}

// unique leaves out what came before.
func unique(list []string) []string {
	seen := make(map[string]bool, len(list))
	out := list[:0:0]
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// tellsOf is [meanings] the other way round: what a field tells, and how telling
// it is among those that tell the same; less is more. What is above a field is in it
// too, and tells nothing.
var tellsOf = sync.OnceValue(func() map[string][]told {
	m := map[string][]told{}
	for i, row := range meanings() {
		for rank, f := range row.fields {
			m[f] = append(m[f], told{i, rank, escapes(f)})
			for at, c := range f {
				if above := f[:at]; c == '.' && m[above] == nil {
					m[above] = nil
				}
			}
		}
	}
	return m
})

type told struct {
	row, rank int // row of meanings
	escaped   bool
}

// escapes reports whether what is in a field has each backslash doubled and a
// backslash before each quote, as the event channel of Windows is passed on.
func escapes(field string) bool {
	return strings.Contains(field, "win.eventdata.") || strings.Contains(field, "win.ruleAndFileData.") || strings.Contains(field, "win.logFileCleared.")
}
