package wazuhtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/testing/incident"
)

// The secrets in a Server's configuration, for tests that look for them.
var ConfigSecrets = []string{
	"T0pS3cretSlackPath", "hunter2-indexer", "virustotal-0123456789abcdef", "c98b6ha9b6169zc5f67rae55ae4z5647", "wh-token-778899", "dbpass-5511", "curl-pass-3322", "smtp-secret-9",
}

// surroundings fills in what the server knows beside agents, rules and alerts.
func (s *Server) surroundings() {
	now := time.Now().UTC()
	for i, d := range []struct{ name, parent, file string }{
		{"wazuh", "", "0005-wazuh_decoders.xml"}, {"agent-buffer", "wazuh", "0005-wazuh_decoders.xml"}, {"sshd", "", "0310-ssh_decoders.xml"},
		{"sshd-success", "sshd", "0310-ssh_decoders.xml"}, {"ssh-invalid-user", "sshd", "0310-ssh_decoders.xml"}, {"sudo", "", "0320-sudo_decoders.xml"},
		{"web-accesslog", "", "0375-web-accesslog_decoders.xml"}, {"windows_fields", "", "0380-windows_decoders.xml"}, {"local_app", "", "local_decoder.xml"},
	} {
		details := Object{"prematch": Object{"pattern": "^" + d.name}}
		if d.parent != "" {
			details["parent"] = d.parent
			details["regex"], details["order"] = Object{"pattern": `(\S+)`, "offset": "after_prematch"}, "srcip"
		}
		dir := "ruleset/decoders"
		if strings.HasPrefix(d.file, "local") {
			dir = "etc/decoders"
		}
		s.decoders = append(s.decoders, clone(Object{"name": d.name, "filename": d.file, "relative_dirname": dir, "status": "enabled", "position": i, "details": details}))
	}
	for i, l := range []struct{ tag, level, text string }{
		{"wazuh-modulesd:syscollector", "info", "Evaluation finished."}, {"wazuh-modulesd:vulnerability-scanner", "warning", "Feed update took long."},
		{"wazuh-remoted", "error", "(1408): Invalid ID 042 for the source ip: '10.20.9.9' (name 'ghost')."}, {"wazuh-analysisd", "info", "Total rules enabled: '8000'"},
		{"wazuh-authd", "warning", "Duplicate name 'fleet-006', rejecting enrollment."}, {"wazuh-maild", "error", "(1263): Error Sending email to 203.0.113.25 (smtp server)"},
		{"wazuh-modulesd:syscollector", "debug", "Starting evaluation."}, {"wazuh-db", "critical", "Disk of the database is almost full."},
	} {
		s.logs = append(s.logs, clone(Object{"timestamp": now.Add(-time.Duration(i) * time.Minute).Format("2006-01-02T15:04:05Z"), "tag": l.tag, "level": l.level, "description": " " + l.text}))
	}
	s.config = clone(Object{
		"global":    Object{"jsonout_output": true, "alerts_log": true, "email_notification": true, "smtp_server": "smtp.example.org", "smtp_password": ConfigSecrets[7], "white_list": []string{"127.0.0.1", "10.20.0.2"}},
		"alerts":    Object{"log_alert_level": "3", "email_alert_level": "12"},
		"ruleset":   Object{"decoder_dir": []string{"ruleset/decoders", "etc/decoders"}, "rule_dir": []string{"ruleset/rules", "etc/rules"}},
		"remote":    []Object{{"connection": "secure", "port": "1514", "protocol": []string{"tcp"}, "queue_size": "131072"}},
		"auth":      Object{"disabled": "no", "port": "1515", "use_password": "yes", "ciphers": "HIGH:!ADH", "ssl_manager_cert": "etc/sslmanager.cert", "ssl_manager_key": "etc/sslmanager.key", "force": Object{"enabled": "yes", "key_mismatch": "yes"}},
		"cluster":   Object{"name": "wazuh", "node_name": NodeName, "node_type": "master", "key": ConfigSecrets[3], "port": "1516", "nodes": []string{"10.20.0.2"}, "disabled": "no"},
		"indexer":   Object{"enabled": "yes", "hosts": []string{"https://admin:" + ConfigSecrets[1] + "@10.20.0.3:9200"}, "ssl": Object{"certificate": []string{"/etc/filebeat/certs/filebeat.pem"}, "key": []string{"/etc/filebeat/certs/filebeat-key.pem"}}},
		"rootcheck": Object{"disabled": "no", "frequency": 43200}, "syscheck": Object{"disabled": "no", "frequency": 43200, "directories": []Object{{"path": "/etc", "check_all": "yes"}}},
		"logging":                 Object{"log_format": "plain"},
		"vulnerability-detection": Object{"enabled": "yes", "feed-update-interval": "60m"},
		"integration": []Object{
			{"name": "slack", "hook_url": "https://hooks.example.org/services/" + ConfigSecrets[0], "alert_format": "json", "level": "10"},
			{"name": "virustotal", "api_key": ConfigSecrets[2], "group": "syscheck", "alert_format": "json"},
			{"name": "custom-hook", "hook_url": "https://hooks.example.org/in?token=" + ConfigSecrets[4]},
		},
		"localfile": []Object{
			{"logformat": "syslog", "location": "/var/log/auth.log"},
			{"logformat": "command", "command": "mysqladmin -u root -p" + ConfigSecrets[5] + " status", "frequency": "360"},
			{"logformat": "full_command", "command": "curl -s -u probe:" + ConfigSecrets[6] + " https://10.20.0.9/health", "frequency": "60"},
		},
		"command": []Object{{"name": "firewall-drop", "executable": "firewall-drop", "timeout_allowed": "yes"}},
	})
	for _, h := range hosts {
		if h.status != "never_connected" {
			s.host(h, now)
		}
	}
}

// host stores what one agent reports beside processes, ports and interfaces.
func (s *Server) host(h host, now time.Time) {
	scan := Object{"id": 0, "time": now.Add(-4 * time.Minute).Format("2006-01-02T15:04:05+00:00")}
	windows := h.platform == "windows"
	major, rest, _ := strings.Cut(h.version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	s.setInventory(h.id, "hardware", Object{
		"scan": scan, "cpu": Object{"name": "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", "cores": 4, "mhz": 2394.374}, "ram": Object{"total": 8147540, "free": 3021884, "usage": 62}, "board_serial": "VMW-" + h.id,
	})
	sysname := "Linux"
	if windows {
		sysname = ""
	}
	s.setInventory(h.id, "os", Object{
		"scan": scan, "os": Object{"name": h.os, "platform": h.platform, "version": h.version, "major": major, "minor": minor, "codename": "stable"},
		"sysname": sysname, "release": "5.15.0-122-generic", "version": "#132-Ubuntu SMP", "architecture": "x86_64", "hostname": h.name,
	})
	pkg := func(name, version, format string) Object {
		return Object{
			"scan": scan, "name": name, "version": version, "architecture": "amd64", "vendor": "Example Maintainers", "description": name + " for everybody",
			"format": format, "size": 426, "section": "net", "priority": "optional", "source": "", "multiarch": "same", "location": "", "install_time": "2025-03-04T08:10:00+00:00",
		}
	}
	packages := []Object{pkg("curl", "7.81.0-1ubuntu1.18", "deb"), pkg("openssh-server", "1:8.9p1-3ubuntu0.10", "deb"), pkg("openssl", "3.0.2-0ubuntu1.18", "deb"), pkg("wazuh-agent", "4.14.7-1", "deb")}
	if windows {
		packages = []Object{pkg("7-Zip 22.01 (x64)", "22.01", "win"), pkg("Wazuh Agent", "4.14.7", "win")}
		s.setInventory(h.id, "hotfixes", Object{"scan": scan, "hotfix": "KB5031364"}, Object{"scan": scan, "hotfix": "KB5044277"}, Object{"scan": scan, "hotfix": "KB5012170"})
	}
	if h.id == incident.AgentID {
		packages = append(packages, pkg("xz-utils", "5.6.1-1", "deb"))
	}
	s.setInventory(h.id, "packages", packages...)

	day := func(n int) string { return now.AddDate(0, 0, -n).Format("2006-01-02T15:04:05Z") }
	s.setInventory(h.id, "sca", Object{
		"policy_id": PolicyID, "name": "CIS Ubuntu Linux 22.04 LTS Benchmark", "description": "How to set the system up securely.", "references": "https://cis.example.org/",
		"pass": 1, "fail": 1, "invalid": 1, "total_checks": 3, "score": 50, "hash_file": "fb41fe9660f4320aaed0c3c292c8602953df7f8c42b37b724855f9005c43fafc", "start_scan": day(1), "end_scan": day(1),
	})
	check := func(id int, title, result, reason string) Object {
		o := Object{
			"policy_id": PolicyID, "id": id, "title": title, "result": result, "description": "What it is about.", "rationale": "Why it matters.", "remediation": "What to do.",
			"condition": "all", "command": "sshd -T", "compliance": []Object{{"key": "cis", "value": "5.2.7"}, {"key": "pci_dss", "value": "2.2.4"}},
			"rules": []Object{{"type": "command", "rule": "c:sshd -T -> r:^permitrootlogin no"}}, "references": "https://cis.example.org/5.2.7",
		}
		if reason != "" {
			o["reason"] = reason
		}
		return o
	}
	s.setInventory(h.id, "checks/"+PolicyID,
		check(28500, "SSH root login is disabled", "failed", ""), check(28501, "The firewall is on", "passed", ""), check(28502, "AppArmor is enforced", "not applicable", "Cannot run 'aa-status'"))
	s.setInventory(h.id, "rootcheck",
		Object{"status": "outstanding", "log": "Trojaned version of file '/bin/diff' detected.", "date_first": day(9), "date_last": day(1)},
		Object{"status": "solved", "log": "File '/tmp/.hidden' is owned by root and world-writable.", "date_first": day(30), "date_last": day(20)},
		Object{"status": "outstanding", "log": "System Audit: SSH Hardening: PermitRootLogin", "date_first": day(5), "date_last": day(2), "cis": "5.2.8 RHEL7", "pci_dss": "2.2.4"})
	file := func(path string, days int, sum string) Object {
		return Object{
			"file": path, "type": "file", "date": day(days), "mtime": day(days), "changes": 1, "size": 3254, "perm": "rw-r--r--", "uname": "root", "gname": "root", "uid": "0", "gid": "0",
			"inode": 131 + days, "attributes": "", "md5": strings.Repeat(sum, 32), "sha1": strings.Repeat(sum, 40), "sha256": strings.Repeat(sum, 64),
		}
	}
	files := []Object{file("/etc/hosts", 400, "a"), file("/etc/ssh/sshd_config", 1, "b"), file("/usr/bin/curl", 200, "c")}
	if windows {
		win := file(`c:\windows\system32\drivers\etc\hosts`, 2, "d")
		win["perm"] = Object{"S-1-5-32-544": Object{"name": "Administrators", "allowed": []string{"delete", "read_control"}}}
		key := Object{"file": `HKEY_LOCAL_MACHINE\Software\Microsoft\Windows\CurrentVersion\Run`, "date": day(3), "mtime": day(3), "changes": 2, "size": 0, "arch": "[x64]", "uname": "SYSTEM", "gname": "SYSTEM", "uid": "S-1-5-18", "gid": "S-1-5-18", "perm": Object{}, "attributes": ""}
		k, v := clone(key), clone(key)
		k["type"] = "registry_key"
		v["type"], v["value"], v["sha256"] = "registry_value", Object{"name": "Updater", "type": "REG_SZ"}, strings.Repeat("e", 64)
		files = []Object{win, k, v}
	}
	s.setInventory(h.id, "syscheck", files...)
}

// index5 stores what the indexer holds of the hosts, in the words of the
// Elastic Common Schema.
func (s *Server) index5() {
	cluster := Object{"cluster": Object{"name": "wazuh"}, "schema": Object{"version": "1.0"}}
	for _, h := range hosts {
		agent := Object{"id": h.id, "name": h.name, "version": "v4.14.7", "host": Object{"architecture": "x86_64", "ip": h.ip}}
		add := func(kind string, i int, source Object) {
			source["agent"], source["wazuh"] = agent, cluster
			s.states = append(s.states, &alert{index: "wazuh-states-" + kind + "-wazuh", id: fmt.Sprintf("%s_%s_%d", h.id, kind, i), source: clone(source)})
		}
		rows := func(kind string) []Object { return s.inventory[h.id+"/"+kind] }
		for i, p := range rows("packages") {
			add("inventory-packages", i, Object{"package": Object{"name": p["name"], "version": p["version"], "architecture": p["architecture"], "vendor": p["vendor"], "type": p["format"], "description": p["description"], "installed": p["install_time"], "size": p["size"]}})
		}
		for i, p := range rows("processes") {
			pid := number(fmt.Sprint(p["pid"]), 0)
			add("inventory-processes", i, Object{"process": Object{"pid": pid, "name": p["name"], "command_line": p["cmd"], "args": p["argvs"], "state": p["state"], "parent": Object{"pid": p["ppid"]}, "start": p["start_time"]}})
		}
		for i, p := range rows("ports") {
			l, r := p["local"].(Object), p["remote"].(Object)
			add("inventory-ports", i, Object{"source": l, "destination": r, "network": Object{"transport": p["protocol"]}, "interface": Object{"state": p["state"]}, "process": Object{"pid": p["pid"], "name": p["process"]}, "file": Object{"inode": fmt.Sprintf("%.0f", p["inode"])}})
		}
		for i, p := range rows("netiface") {
			flow := func(o any) Object {
				c := o.(Object)
				return Object{"bytes": c["bytes"], "packets": c["packets"], "errors": c["errors"], "drops": c["dropped"]}
			}
			add("inventory-interfaces", i, Object{"interface": Object{"name": p["name"], "type": p["type"], "state": p["state"], "mtu": p["mtu"]}, "host": Object{"mac": p["mac"], "network": Object{"ingress": flow(p["rx"]), "egress": flow(p["tx"])}}})
		}
		for i, p := range rows("netaddr") {
			at := Object{"type": p["proto"], "ip": p["address"], "netmask": p["netmask"]}
			if b := p["broadcast"]; b != "" { // an address field takes no empty text
				at["broadcast"] = b
			}
			add("inventory-networks", i, Object{"interface": Object{"name": p["iface"]}, "network": at})
		}
		for i, p := range rows("netproto") {
			add("inventory-protocols", i, Object{"interface": Object{"name": p["iface"]}, "network": Object{"type": p["type"], "gateway": p["gateway"], "dhcp": p["dhcp"]}})
		}
		for i, p := range rows("hotfixes") {
			add("inventory-hotfixes", i, Object{"package": Object{"hotfix": Object{"name": p["hotfix"]}}})
		}
		for i, p := range rows("os") {
			o := p["os"].(Object)
			add("inventory-system", i, Object{"host": Object{"hostname": p["hostname"], "architecture": p["architecture"], "os": Object{"name": o["name"], "platform": o["platform"], "version": o["version"], "kernel": Object{"name": p["sysname"], "release": p["release"], "version": p["version"]}}}})
		}
		for i, p := range rows("hardware") {
			c, r := p["cpu"].(Object), p["ram"].(Object)
			add("inventory-hardware", i, Object{"host": Object{"cpu": Object{"name": c["name"], "cores": c["cores"], "speed": c["mhz"]}, "memory": r, "serial_number": p["board_serial"]}})
		}
		for i, p := range rows("checks/" + PolicyID) {
			add("sca", i, Object{"policy": Object{"id": PolicyID, "name": "CIS Ubuntu Linux 22.04 LTS Benchmark"}, "check": Object{"id": fmt.Sprint(p["id"]), "name": p["title"], "result": p["result"], "reason": p["reason"], "description": p["description"], "rationale": p["rationale"], "remediation": p["remediation"], "condition": p["condition"], "rules": []string{"c:sshd -T -> r:^permitrootlogin no"}}})
		}
		for i, p := range rows("syscheck") {
			at := Object{"path": p["file"], "mtime": p["mtime"], "size": p["size"], "owner": p["uname"], "group": p["gname"], "uid": p["uid"], "gid": p["gid"]}
			switch p["type"] {
			case "file":
				at["hash"] = Object{"md5": p["md5"], "sha1": p["sha1"], "sha256": p["sha256"]}
				add("fim-files", i, Object{"file": at})
			case "registry_key":
				delete(at, "size")
				add("fim-registry-keys", i, Object{"registry": at})
			case "registry_value":
				v := p["value"].(Object)
				for _, of := range []string{"owner", "group", "uid", "gid", "mtime"} { // those of its key
					delete(at, of)
				}
				at["value"], at["data"], at["architecture"] = v["name"], Object{"type": v["type"], "hash": Object{"sha256": p["sha256"]}}, p["arch"]
				add("fim-registry-values", i, Object{"registry": at})
			}
		}
		for i, v := range vulnerable(h.id) {
			v["agent"] = Object{"id": h.id, "name": h.name, "type": "Wazuh", "version": "v4.14.7"}
			v["host"] = Object{"os": Object{"full": h.os + " " + h.version, "name": h.os, "platform": h.platform, "type": "linux", "version": h.version}}
			v["wazuh"] = cluster
			s.states = append(s.states, &alert{index: "wazuh-states-vulnerabilities-wazuh", id: fmt.Sprintf("%s_vuln_%d", h.id, i), source: clone(v)})
		}
	}
}

// vulnerable are the vulnerabilities of an agent's host.
func vulnerable(agent string) []Object {
	one := func(cve, severity string, base float64, name, version, description, detected string) Object {
		v := Object{
			"id": cve, "severity": severity, "category": "Packages", "classification": "CVSS", "description": description, "detected_at": detected, "published_at": "2024-03-29T17:15:00.000Z",
			"enumeration": "CVE", "reference": "https://cve.example.org/" + cve, "under_evaluation": base < 0, "score": Object{"base": base, "version": "3.1"},
			"scanner": Object{"vendor": "Wazuh", "source": "National Vulnerability Database", "reference": "https://cti.example.org/" + cve, "condition": "Package less than 9"},
		}
		if base < 0 {
			v["classification"], v["score"] = "-", Object{"base": -1.0, "version": "-"}
		}
		return Object{"package": Object{"name": name, "version": version, "architecture": "amd64", "type": "deb", "size": 426}, "vulnerability": v}
	}
	switch agent {
	case incident.AgentID:
		return []Object{
			one("CVE-2024-3094", "Critical", 10, "xz-utils", "5.6.1-1", "A back door was found in the upstream tarballs of the library.", "2025-05-01T06:00:00.000Z"),
			one("CVE-2024-6387", "High", 8.1, "openssh-server", "1:8.9p1-3ubuntu0.10", "A race in a signal handler can be won by somebody remote.", "2025-05-02T06:00:00.000Z"),
			one("CVE-2025-9999", "-", -1, "curl", "7.81.0-1ubuntu1.18", "Not rated yet.", "2025-05-03T06:00:00.000Z"),
		}
	case "001", "008":
		return []Object{one("CVE-2024-6387", "High", 8.1, "openssh-server", "1:8.9p1-3ubuntu0.10", "A race in a signal handler can be won by somebody remote.", "2025-04-02T06:00:00.000Z")}
	}
	return nil
}
