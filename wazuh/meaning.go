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

// under are names below a path.
func under(path string, names ...string) []string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = path + "." + n
	}
	return list
}

// meanings says which fields tell what, the most telling first: those in which
// Wazuh's decoders, the modules' own alerts and the rules of 4.14.7 put it, the
// fields from which the indexer's pipeline of 4.14.7 takes an alert's place, the
// fields of its alert template, and last the names of the Elastic Common Schema,
// in whose words the findings of Wazuh 5 are.
var meanings = sync.OnceValue(func() []meaningRow {
	return []meaningRow{
		{MeaningSourceAddress, slices.Concat(
			under("data", "srcip", "src_ip"),
			under("data.win.eventdata", "ipAddress", "sourceIp", "sourceAddress", "clientAddress", "client Address", "source Address"),
			under("data.aws", "sourceIPAddress", "source_ip_address", "client_ip", "srcaddr", "remote_ip", "httpRequest.clientIp", "src_ip", "srcip"),
			under("data.aws.service.action", "networkConnectionAction.remoteIpDetails.ipAddressV4", "awsApiCallAction.remoteIpDetails.ipAddressV4",
				"portProbeAction.portProbeDetails.remoteIpDetails.ipAddressV4", "kubernetesApiCallAction.remoteIpDetails.ipAddressV4", "rdsLoginAttemptAction.remoteIpDetails.ipAddressV4"),
			under("data.gcp", "jsonPayload.sourceIP", "jsonPayload.connection.src_ip", "jsonPayload.src_ip", "protoPayload.requestMetadata.callerIp", "httpRequest.remoteIp"),
			under("data.office365", "ClientIP", "ClientIPAddress", "ActorIpAddress"),
			under("data.ms-graph", "ipAddress", "actor.ipAddress", "initiatedBy.user.ipAddress", "evidence.ipAddress"),
			under("data", "properties.initiatedBy.user.ipAddress", "properties.ipAddress", "callerIpAddress", "CallerIpAddress", "azure.callerIpAddress"),
			under("data", "github.actor_ip", "src_endpoint.ip", "audit.srcip", "audit.addr", "id.orig_h", "osquery.columns.src_ip", "osquery.columns.host"),
			under("data", "source_ip", "sourceip", "sourceIp", "source_address", "sourceAddress", "source.ip", "source.address", "src", "src_addr", "srcaddr", "client_ip", "clientip", "clientIp", "ClientIP",
				"remote_ip", "remote_addr", "remoteip", "remip", "attacker_ip", "saddr", "http.client_ip", "httpRequest.clientIp", "sourceIPAddress", "ipAddress"),
			under("data", "srcip2", "mariadb.ip", "x_forwarded_for", "xff_address", "forwardedfor", "client_dyn_ip"),
			under("data.parameters.alert.data", "srcip", "src_ip", "win.eventdata.ipAddress", "aws.sourceIPAddress", "office365.ClientIP"),
			under("source", "ip", "address"), under("client", "ip"),
		)},
		{MeaningDestinationAddress, slices.Concat(
			under("data", "dstip", "dest_ip", "dst_ip"),
			under("data.win.eventdata", "destinationIp", "destAddress", "destinationAddress"),
			under("data.aws", "dstaddr", "pkt_dstaddr", "dst_ip", "destination_ip", "service.action.networkConnectionAction.localIpDetails.ipAddressV4"),
			under("data", "dst_endpoint.ip", "gcp.jsonPayload.connection.dest_ip", "gcp.jsonPayload.dest_ip", "id.resp_h", "port.remote_ip",
				"osquery.columns.dst_ip", "osquery.columns.remote_address", "destination_ip", "destinationip", "destinationIp", "destination_address", "destinationAddress", "destination.ip", "destination.address",
				"dst", "dst_addr", "dstaddr", "daddr", "dest", "server_ip", "serverip", "tunnelip"),
			under("data.parameters.alert.data", "dstip", "dest_ip", "win.eventdata.destinationIp"),
			under("destination", "ip", "address"), under("server", "ip"),
		)},
		{MeaningOtherAddress, slices.Concat(
			under("data.win.eventdata", "queryResults", "address"),
			under("data.aws.resource.instanceDetails.networkInterfaces", "privateIpAddress", "publicIp"),
			under("data", "port.local_ip", "netinfo.iface.ipv4.address", "netinfo.iface.ipv6.address", "ip", "IP", "ip_address", "address", "nat_ip", "tranip", "transip", "gcp.jsonPayload.authAnswer", "dns.answers.rdata", "dns.rdata", "dns.grouped.A", "dns.grouped.AAAA"),
			under("data", "nat_source_ip", "nat_destination_ip", "nat_srcip", "nat_dstip", "mapped_src_ip", "mapped_dst_ip", "tran_src_ip", "tran_dst_ip", "xlatesrc", "xlatedst", "assignip", "host_ip", "LocalIp", "locip", "ip.address", "ipaddr", "qualysguard.ip", "dstcip"),
			[]string{"GeoLocation.ip", "agent.ip", "related.ip", "host.ip", "wazuh.agent.host.ip", "dns.resolved_ip"},
		)},
		{MeaningActingUser, slices.Concat(
			under("data", "srcuser", "src_user"),
			under("data.win.eventdata", "subjectUserName", "user", "sourceUser", "accountName", "detection User", "callerUserName", "clientUserName"),
			under("data.win", "logFileCleared.subjectUserName"),
			under("data.aws", "userIdentity.userName", "userIdentity.sessionContext.sessionIssuer.userName", "userIdentity.principalId", "userIdentity.arn", "resource.accessKeyDetails.userName", "user", "username", "user_name", "requester", "actor"),
			under("data.office365", "UserId", "Actor.ID", "LogonUserSid"),
			under("data", "github.actor", "gcp.protoPayload.authenticationInfo.principalEmail", "gcp.jsonPayload.actor.user"),
			under("data.ms-graph", "actor.userPrincipalName", "initiatedBy.user.userPrincipalName", "userPrincipalName", "actorDisplayName", "userStates.userPrincipalName", "evidence.userAccount.userPrincipalName", "evidence.userAccount.accountName", "evidence.loggedOnUsers.accountName", "actor.userId"),
			under("data", "properties.initiatedBy.user.userPrincipalName", "properties.userPrincipalName", "properties.userDisplayName", "identity", "claims.name"),
			under("data.audit", "acct", "auid", "uid", "euid"), under("data", "uid", "euid"),
			under("data", "osquery.columns.username", "osquery.columns.user", "osquery.decorations.username", "user", "username", "userName", "user_name", "user.name", "usr", "suser", "unauthuser", "login", "account", "accountName", "email", "actor", "src_user_name", "process.euser", "process.suser"),
			under("data", "source_user", "database_user", "account_name", "subject.account_name", "mariadb.username", "usrName", "userID", "userid", "LoggedUser", "SourceUserName", "client_user", "xauthuser", "ldap_data.Username", "src_email", "admin", "cylance_threats.file_owner"),
			under("syscheck.audit", "login_user.name", "effective_user.name", "user.name"),
			under("data.parameters.alert.data", "srcuser", "win.eventdata.subjectUserName", "win.eventdata.user"),
			under("user", "name", "email"), []string{"source.user.name", "related.user"},
		)},
		{MeaningTargetUser, slices.Concat(
			under("data", "dstuser", "dst_user"),
			under("data.win.eventdata", "targetUserName", "samAccountName", "targetUser", "memberName", "targetOutboundUserName", "newTargetUserName", "parentUser"),
			under("data", "aws.requestParameters.userName", "aws.responseElements.user.userName", "office365.TargetUserOrGroupName", "office365.MailboxOwnerUPN", "office365.Target.ID", "github.user",
				"properties.targetResources.userPrincipalName", "ms-graph.targetResources.userPrincipalName", "ms-graph.resources.displayName", "target_user", "targetUser", "duser", "process.ruser"),
			under("data", "destination_user", "TargetUserName", "new_user", "removed_user"),
			under("data.parameters.alert.data", "dstuser", "win.eventdata.targetUserName"),
			[]string{"user.target.name", "user.changes.name", "destination.user.name"},
		)},
		{MeaningHost, slices.Concat(
			under("data.win", "system.computer", "eventdata.workstationName", "eventdata.sourceHostname", "eventdata.workstation", "eventdata.clientName", "eventdata.targetServerName"),
			[]string{"predecoder.hostname", "agent.name"},
			under("data", "system_name", "devname", "device_name", "deviceName", "hostname", "host", "computer", "computer_name", "dvchost", "srcname", "src_host", "osquery.hostIdentifier", "osquery.decorations.hostname", "aws.resource.instanceDetails.instanceId",
				"aws.dimensions.instanceId", "gcp.jsonPayload.vmInstanceName", "gcp.resource.labels.instance_id", "docker.Actor.Attributes.name", "ms-graph.deviceName", "ms-graph.evidence.deviceDnsName", "ms-graph.managedDeviceName", "os.hostname"),
			under("data", "ms-graph.evidence.hostName", "parameters.alert.predecoder.hostname", "dvc", "srchost", "machinename", "machine_name", "source_hostname", "HostName", "TargetHostName", "caller_computer", "cylance_threats.device_name", "cylance_events.devicename", "identHostName", "qualysguard.dns_hostname", "qualysguard.netbios_hostname", "pod_name", "sysmon.sourceHostname", "mariadb.host"),
			[]string{"host.name", "host.hostname", "wazuh.agent.name", "wazuh.agent.host.hostname"},
		)},
		{MeaningHash, slices.Concat(
			under("syscheck", "sha256_after", "sha1_after", "md5_after", "sha256_before", "sha1_before", "md5_before"),
			under("data.win.eventdata", "hashes", "hash", "imphash", "sHA1", "sHA256", "fileHash", "sha1 Hash", "sha256 Hash"), under("data.win.ruleAndFileData", "fileHash"),
			under("data.virustotal", "source.md5", "source.sha1", "sha1"), under("data.parameters.alert.syscheck", "md5_after", "sha1_after", "sha256_after"),
			under("data", "sha256", "sha1", "md5", "hash", "file_hash", "filehash", "fileinfo.sha256", "fileinfo.sha1", "fileinfo.md5", "files.sha256", "files.md5", "tls.ja3.hash", "tls.ja3s.hash", "ja3",
				"osquery.columns.sha256", "osquery.columns.sha1", "osquery.columns.md5", "YARA.reference", "yara.hash", "hash_md5", "hash_sha256", "imphash",
				"ms-graph.evidence.fileDetails.sha256", "ms-graph.evidence.fileDetails.sha1", "ms-graph.evidence.imageFile.sha256", "ms-graph.evidence.imageFile.sha1", "ms-graph.evidence.fileDetails.md5"),
			under("data", "sysmon.hashes", "sysmon.hash", "cylance_threats.sha256", "cylance_threats.md5", "cylance_events.sha256", "cylance_events.md5", "Hash", "ParentHash", "ChildHash", "SourceProcessHash", "file_digest", "partial_hash"),
			under("file.hash", "sha256", "sha1", "md5"), under("process.hash", "sha256", "sha1", "md5"), []string{"related.hash"},
		)},
		{MeaningProcess, slices.Concat(
			under("data.win.eventdata", "image", "newProcessName", "processName", "process Name", "sourceImage", "application", "callerProcessName"),
			under("data", "audit.exe", "process.name", "osquery.columns.name", "osquery.columns.process_name", "process_name", "processName", "process", "exe", "program", "docker.Actor.Attributes.image"),
			under("data", "sysmon.image", "sysmon.sourceImage", "defender.processname", "SourceProcessName"),
			[]string{"syscheck.audit.process.name", "process.executable", "process.name"},
		)},
		{MeaningParentProcess, slices.Concat(
			under("data.win.eventdata", "parentImage", "parentProcessName", "creatorProcessName"), under("data", "osquery.columns.parent_name", "parent_process", "ppid_name", "sysmon.parentImage", "ParentPath"),
			[]string{"syscheck.audit.process.parent_name", "process.parent.executable", "process.parent.name"},
		)},
		{MeaningCommand, slices.Concat(
			under("data.win.eventdata", "commandLine", "scriptBlockText", "processCommandLine", "payload", "hostApplication"),
			under("data", "command", "audit.command", "audit.execve.a0", "audit.execve.a1", "audit.execve.a2", "audit.execve.a3", "audit.proctitle", "process.cmd", "process.args", "osquery.columns.cmdline", "osquery.columns.command",
				"cmd", "cmdline", "command_line", "commandline", "commandLine", "parameters.program", "ms-graph.evidence.processCommandLine", "sysmon.commandLine"),
			[]string{"process.command_line"},
		)},
		{MeaningParentCommand, append(under("data.win.eventdata", "parentCommandLine"), "data.sysmon.parentCommandLine", "process.parent.command_line")},
		{MeaningPath, slices.Concat(
			[]string{"syscheck.path"},
			under("data.win.eventdata", "targetFilename", "imageLoaded", "path", "imagePath", "serviceFileName", "targetImage", "relativeTargetName", "shareLocalPath", "originalFileName", "currentDirectory", "fileName", "file Name", "contextInfo"),
			under("data.win.ruleAndFileData", "fullFilePath", "filePath"),
			under("data", "file", "audit.file.name", "audit.directory.name", "audit.cwd", "virustotal.source.file", "YARA.scanned_file", "yara.file_path", "office365.SourceFileName", "office365.ObjectId", "aws.key", "aws.requestParameters.key",
				"osquery.columns.path", "osquery.columns.target_path", "sca.check.file", "sca.check.directory", "fileinfo.filename", "filename", "file_name", "file_path", "filepath", "path", "scanned_file", "ms-graph.evidence.fileDetails.filePath", "ms-graph.evidence.fileDetails.fileName"),
			under("data", "sysmon.targetfilename", "sysmon.imageLoaded", "sysmon.targetImage", "defender.path", "defender.pathfound", "Path", "ChildPath", "TargetPath", "TargetFileName", "SourceFilePath", "cylance_threats.file_path", "cylance_threats.file_name", "cylance_events.filepath", "infected_file_path", "infected_files", "target_file"),
			under("data.parameters.alert.syscheck", "path"),
			[]string{"file.path", "file.name", "dll.path"},
		)},
		{MeaningRegistryKey, append(under("data.win.eventdata", "targetObject", "objectName", "newName", "objectValueName"), "data.RegKey", "syscheck.value_name", "registry.path", "registry.key")},
		{MeaningURL, slices.Concat(
			under("data", "url", "aws.request_uri", "aws.httpRequest.uri", "aws.referer", "aws.url", "http.url", "http.http_refer", "office365.SiteUrl", "office365.ObjectId", "office365.RelativeUrl", "github.config.url", "gcp.httpRequest.requestUrl", "uri", "request", "referer", "referrer", "link", "osquery.columns.url", "ms-graph.evidence.url", "ms-graph.alertWebUrl", "win.eventdata.url", "URL", "aws.finding.Remediation.Recommendation.Url"),
			[]string{"url.original", "url.full"},
		)},
		{MeaningDomain, slices.Concat(
			under("data.win.eventdata", "destinationHostname"),
			under("data", "tls.sni", "http.hostname", "aws.host_header", "server_name", "sni", "domain", "dest_host", "dsthost", "dstname", "dst_host", "virtualhost", "vhost", "fqdn", "destination_hostname", "dhost", "sysmon.destinationHostname"),
			[]string{"destination.domain", "source.domain", "url.domain"},
		)},
		{MeaningDNSQuery, slices.Concat(
			under("data", "win.eventdata.queryName", "dns.rrname", "dns.question.name", "dns.query.rrname", "dns.queries.rrname", "gcp.jsonPayload.queryName", "aws.service.action.dnsRequestAction.domain", "aws.query_name", "query", "query_name", "qname"),
			[]string{"dns.question.name"},
		)},
		{MeaningMail, slices.Concat(
			under("data", "from", "to", "sender", "recipient", "mail_from", "rcpt_to", "smtp.mail_from", "smtp.rcpt_to", "email.from", "email.to", "office365.Item.InternetMessageId", "office365.SenderAddress", "office365.RecipientAddress", "office365.P2Sender", "office365.Recipients", "office365.Item.Subject", "office365.Subject", "e-mail", "hfrom", "subject"),
			[]string{"email.from.address", "email.to.address"},
		)},
		{MeaningService, slices.Concat(
			under("data", "win.eventdata.serviceName", "aws.eventSource", "aws.service.serviceName", "aws.source", "office365.Workload", "gcp.protoPayload.serviceName", "win.system.providerName", "app_proto", "service", "service_name", "app", "application", "microservice", "integration", "ms-graph.componentName"),
			[]string{"predecoder.program_name", "service.name", "event.provider"},
		)},
		{MeaningAction, slices.Concat(
			under("data", "action", "aws.eventName", "aws.operation", "aws.service.action.awsApiCallAction.api", "aws.service.action.actionType", "aws.action", "office365.Operation", "github.action", "gcp.protoPayload.methodName", "ms-graph.activityType", "ms-graph.activity",
				"docker.Action", "audit.type", "operationName", "activityDisplayName", "properties.activityDisplayName", "event_type", "osquery.action", "http.http_method", "win.eventdata.action Name", "activity_name", "Action", "act", "utmaction", "fw_action", "log_action", "rule_action", "defender.action", "mariadb.operation", "operation", "ThreatActionTaken", "jenkins.action", "disposition"),
			[]string{"syscheck.event", "event.action"},
		)},
		{MeaningOutcome, slices.Concat(
			under("data", "aws.errorCode", "aws.error_code", "aws.responseElements.ConsoleLogin", "aws.http_status", "office365.ResultStatus", "audit.success", "audit.res", "ms-graph.activityResult", "win.eventdata.status", "win.eventdata.subStatus", "win.eventdata.failureReason",
				"win.system.severityValue", "sca.check.result", "cis.result", "status", "result", "outcome", "resultType", "resultDescription", "azureSignInStatus.failureReason", "properties.status.failureReason", "gcp.jsonPayload.responseCode", "gcp.protoPayload.status.message", "http.status", "docker.status", "error", "http_status_code", "cylance_threats.file_status"),
			[]string{"event.outcome"},
		)},
		{MeaningCountry, slices.Concat(
			[]string{"GeoLocation.country_name"},
			under("data", "github.actor_location.country_code", "srccountry", "dstcountry", "country", "source_country", "destination_country", "src_country_code", "dst_country_code", "properties.location.countryOrRegion"),
			under("data.aws", "httpRequest.country", "service.action.networkConnectionAction.remoteIpDetails.country.countryName", "service.action.awsApiCallAction.remoteIpDetails.country.countryName", "service.action.portProbeAction.portProbeDetails.remoteIpDetails.country.countryName"),
			[]string{"source.geo.country_name", "source.geo.country_iso_code"},
		)},
		{MeaningThreat, slices.Concat(
			under("data", "win.eventdata.threat Name", "alert.signature", "YARA.rule_name", "yara.rule_name", "aws.type", "aws.finding.Title", "aws.service.additionalInfo.threatName", "ms-graph.title", "ms-graph.threatDisplayName", "virus", "malware", "signature", "threat", "attack", "title", "ThreatName", "MWName", "defender.name", "attack.name", "cylance_threats.classification", "qualysguard.vulnerability_title"),
			[]string{"rule.name", "threat.indicator.name", "wazuh.rule.title"},
		)},
		{MeaningCVE, append(under("data", "vulnerability.cve", "cve", "alert.metadata.cve"), "rule.cve", "vulnerability.id")},
	}
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

// further are the fields beside those of [meanings] that every alert or finding
// may have.
var further = sync.OnceValue(func() []string {
	return slices.Concat(
		under("rule", "description", "groups", "id", "mitre.id", "mitre.technique", "mitre.tactic", "info", "cis", "pci", "pci_dss", "gdpr", "gpg13", "hipaa", "nist_800_53", "tsc"),
		under("agent", "id", "labels"), under("manager", "name"), under("cluster", "name", "node"), under("decoder", "name", "parent", "ftscomment"), under("predecoder", "timestamp"), under("input", "type"),
		[]string{"id", "location", "title", "full_log", "previous_output", "previous_log"},
		under("GeoLocation", "city_name", "region_name", "postal_code"),
		under("data", "srcport", "dstport", "src_port", "dest_port", "protocol", "proto", "id", "extra_data", "data", "type", "tty", "time", "log", "message", "msg", "description"),
		under("data.win.system", "eventID", "message", "channel", "providerGuid", "processID", "threadID", "task", "opcode", "keywords", "level", "version", "systemTime", "eventRecordID"),
		under("data.win.eventdata", "targetDomainName", "subjectDomainName", "logonType", "destinationPort", "sourcePort", "ipPort", "ruleName", "details", "description", "product", "company", "grantedAccess", "callTrace", "taskName", "taskContent", "data", "param1", "param2",
			"processId", "parentProcessId", "processGuid", "parentProcessGuid", "logonId", "logonGuid", "targetUserSid", "subjectUserSid", "shareName", "privilegeList", "ticketEncryptionType", "startType", "serviceType", "signature", "pipeName", "eventType", "accessMask", "objectType"),
		under("data.aws", "accountId", "region", "awsRegion", "userAgent", "user_agent", "description", "title", "eventType", "bucket", "log_info.log_file", "log_info.s3bucket", "id", "arn", "userIdentity.type", "userIdentity.accountId", "userIdentity.accessKeyId", "requestParameters.bucketName", "errorMessage"),
		under("data.office365", "UserAgent", "ClientInfoString", "Parameters.Value", "ModifiedProperties.NewValue", "ExtendedProperties.Value", "UserKey", "Id", "OrganizationName", "ApplicationId", "Subscription"),
		under("data.gcp", "resource.type", "resource.labels.project_id", "logName", "severity", "protoPayload.resourceName"),
		under("data.github", "org", "repo", "repository", "team", "name", "hook_id"), under("data.ms-graph", "description", "id", "category", "severity", "relationship", "resource"),
		under("data.docker", "Actor.ID", "id", "from", "Type", "scope"), under("data.osquery", "name", "pack", "subquery", "columns.value", "columns.key"), under("data.virustotal", "permalink", "positives", "description"),
		under("data.vulnerability", "title", "severity", "package.name", "package.version", "reference", "status", "rationale"), under("data.sca", "policy", "policy_id", "check.title", "check.id", "check.description", "check.rationale", "check.remediation", "check.reason", "check.command"),
		under("data.audit", "key", "subj", "syscall", "tty", "session", "id", "pid", "ppid"), under("data.alert", "category", "signature_id"), under("data.http", "http_user_agent"), under("data.tls", "subject", "issuerdn", "fingerprint"),
		under("data.parameters", "alert.id", "alert.rule.id", "alert.rule.description", "alert.agent.name", "alert.full_log", "extra_args"),
		under("syscheck", "event", "mode", "uname_after", "uname_before", "gname_before", "changed_attributes", "value_name", "diff", "tags", "perm_after", "gname_after", "inode_after", "audit.process.id"),
		[]string{"event.original", "event.id", "log.file.path", "message", "process.pid", "host.os.name"}, under("wazuh.rule", "id", "level", "description", "tags", "mitre.technique", "mitre.tactic", "mitre.subtechnique"), under("wazuh.agent", "id"), under("wazuh.integration", "name", "category"),
	)
})

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
