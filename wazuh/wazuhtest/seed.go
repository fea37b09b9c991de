package wazuhtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/testing/incident"
)

const managerName = incident.Manager

// The ids of the documents of some alerts that [Server.Seed] stores.
const (
	AlertFirstAttempt = "incidentAlert5710001" // the first attempt of the incident
	AlertBruteForce   = "incidentAlert5712001" // the first burst of attempts
	AlertLoginSuccess = "incidentAlert5715001" // the login that succeeded
	AlertFailThenWin  = "incidentAlert4011201" // failures followed by a success
	AlertFileChanged  = "incidentAlert0550001" // a change of a file on another host, the day before
)

// Agents of every Server.
const (
	AgentManager        = "000"
	AgentAttacked       = incident.AgentID // fleet-007, of which the incident is
	AgentWindows        = "003"            // a domain controller
	AgentDisconnected   = "010"
	AgentNeverConnected = "011"
)

type host struct {
	id, name, ip, platform, os, version, status string
	groups                                      []string
}

var hosts = []host{
	{"000", managerName, "127.0.0.1", "ubuntu", "Ubuntu", "24.04.1 LTS", "active", nil},
	{"001", "web-01", "10.20.1.11", "ubuntu", "Ubuntu", "22.04.5 LTS", "active", []string{"default", "web"}},
	{"002", "db-01", "10.20.1.21", "rhel", "Red Hat Enterprise Linux", "9.4", "active", []string{"default", "db"}},
	{"003", "win-dc01", "10.20.2.10", "windows", "Microsoft Windows Server 2022 Standard", "10.0.20348.2762", "active", []string{"default", "windows"}},
	{"004", "win-ws-014", "10.20.3.14", "windows", "Microsoft Windows 11 Enterprise", "10.0.22631.4317", "active", []string{"default", "windows"}},
	{"005", "mail-01", "10.20.1.31", "debian", "Debian GNU/Linux", "12", "active", []string{"default"}},
	{"006", "fleet-006", "10.20.0.6", "ubuntu", "Ubuntu", "22.04.5 LTS", "active", []string{"default", "fleet"}},
	{incident.AgentID, incident.AgentName, incident.AgentIP, "ubuntu", "Ubuntu", "22.04.5 LTS", "active", []string{"default", "fleet"}},
	{"008", "fleet-008", "10.20.0.8", "ubuntu", "Ubuntu", "22.04.5 LTS", "active", []string{"default", "fleet"}},
	{"009", "vpn-gw", "10.20.0.254", "debian", "Debian GNU/Linux", "12", "active", []string{"default"}},
	{"010", "dev-laptop-3", "10.20.4.33", "darwin", "macOS", "14.7", "disconnected", []string{"default"}},
	{"011", "build-02", "any", "", "", "", "never_connected", []string{"default"}},
	{"012", "jump-01", "10.20.0.12", "ubuntu", "Ubuntu", "24.04.1 LTS", "active", []string{"default", "fleet"}},
}

// kernelOf is what uname says of a system: of Linux not which.
func kernelOf(platform, name string) string {
	switch platform {
	case "windows":
		return name
	case "darwin":
		return "Darwin"
	}
	return "Linux"
}

func (s *Server) fleet() {
	now := time.Now().UTC()
	for _, h := range hosts {
		a := Object{
			"id": h.id, "name": h.name, "ip": h.ip, "registerIP": "any", "status": h.status, "status_code": 0,
			"dateAdd": "2025-03-04T08:00:00+00:00", "group_config_status": "synced", "node_name": "node01",
		}
		if h.groups != nil {
			a["group"] = h.groups
		}
		if h.status != "never_connected" {
			major, rest, _ := strings.Cut(h.version, ".")
			minor, _, _ := strings.Cut(rest, ".")
			a["os"] = Object{
				"arch": "x86_64", "name": h.os, "platform": h.platform, "version": h.version, "major": major, "minor": minor,
				"uname": fmt.Sprintf("%s |%s |%s", kernelOf(h.platform, h.os), h.name, h.version),
			}
			a["version"], a["manager"], a["lastKeepAlive"] = "Wazuh v4.14.7", managerName, now.Format("2006-01-02T15:04:05+00:00")
			a[internalKey] = fmt.Sprintf("%064x", 0xdc0ffee+len(h.id)) // the agent's secret: found by a search, never shown
			a["configSum"], a["mergedSum"] = "ab73af41699f13fdd81903b5f23d8d00", "9a016508cea1e997ab8569f5cfab30f5"
		}
		switch h.status {
		case "disconnected":
			a["lastKeepAlive"] = now.AddDate(0, 0, -3).Format("2006-01-02T15:04:05+00:00")
			a["disconnection_time"], a["status_code"] = now.AddDate(0, 0, -3).Add(10*time.Minute).Format("2006-01-02T15:04:05+00:00"), 1
		case "never_connected":
			a["group_config_status"], a["status_code"] = "not synced", 5
		}
		if h.id == AgentManager {
			a["lastKeepAlive"], a["registerIP"] = "9999-12-31T23:59:59+00:00", "127.0.0.1"
		}
		s.agents = append(s.agents, clone(a))
	}
}

var standards = []string{"pci_dss", "gpg13", "gdpr", "hipaa", "nist_800_53", "tsc"}

// sorted takes the groups of compliance apart from the others.
func sortedGroups(all string) (groups []string, compliance map[string][]string) {
	compliance = map[string][]string{}
	for _, s := range standards {
		compliance[s] = []string{}
	}
	for g := range strings.FieldsSeq(all) {
		i := slices.IndexFunc(standards, func(s string) bool { return strings.HasPrefix(g, s+"_") })
		if i < 0 {
			groups = append(groups, g)
			continue
		}
		compliance[standards[i]] = append(compliance[standards[i]], strings.TrimPrefix(g, standards[i]+"_"))
	}
	return groups, compliance
}

func (s *Server) ruleset() {
	for _, r := range stock {
		groups, compliance := sortedGroups(r.groups)
		o := Object{
			"id": r.id, "level": r.level, "description": r.description, "filename": r.file, "relative_dirname": "ruleset/rules",
			"status": "enabled", "groups": groups, "mitre": strings.Fields(r.mitre), "details": Object{"if_sid": "5700", "match": Object{"pattern": "(left out)"}},
		}
		for k, v := range compliance {
			o[k] = v
		}
		if d := counts[r.id]; d != nil {
			o["details"] = d
		}
		s.rules = append(s.rules, clone(o))
	}
}

func (s *Server) inventories() {
	scan := Object{"id": 0, "time": time.Now().UTC().Add(-4 * time.Minute).Format("2006-01-02T15:04:05+00:00")}
	proc := func(pid, ppid int, name, user, cmd, args string) Object {
		return Object{
			"scan": scan, "pid": fmt.Sprint(pid), "ppid": ppid, "name": name, "state": "S", "cmd": cmd, "argvs": args,
			"euser": user, "ruser": user, "suser": user, "egroup": user, "rgroup": user, "sgroup": user, "fgroup": user,
			"start_time": 1217866 + pid, "vm_size": 15000 + pid, "size": 4000, "resident": 800, "share": 700, "priority": 20, "nice": 0,
			"nlwp": 1, "tgid": pid, "tty": 0, "processor": 1, "pgrp": pid, "session": pid, "utime": 2, "stime": 1,
		}
	}
	port := func(proto, lip string, lport int, rip string, rport int, state string, pid int, process string) Object {
		o := Object{
			"scan": scan, "protocol": proto, "local": Object{"ip": lip, "port": lport}, "remote": Object{"ip": rip, "port": rport},
			"pid": pid, "process": process, "inode": 12387000 + lport + rport, "rx_queue": 0, "tx_queue": 0,
		}
		if state != "" {
			o["state"] = state
		}
		return o
	}
	counters := func(n int) Object { return Object{"bytes": n * 812, "packets": n, "errors": 0, "dropped": 0} }
	for _, h := range hosts {
		if h.status == "never_connected" {
			continue
		}
		procs := []Object{
			proc(1, 0, "systemd", "root", "/sbin/init", ""), proc(411, 1, "systemd-journal", "root", "/lib/systemd/systemd-journald", ""),
			proc(702, 1, "cron", "root", "/usr/sbin/cron", "-f"), proc(901, 1, "wazuh-agentd", "wazuh", "/var/ossec/bin/wazuh-agentd", ""),
			proc(930, 1, "wazuh-syscheckd", "root", "/var/ossec/bin/wazuh-syscheckd", ""), proc(988, 1, "sshd", "root", "/usr/sbin/sshd", "-D"),
		}
		ports := []Object{
			port("tcp", "0.0.0.0", 22, "0.0.0.0", 0, "listening", 988, "sshd"),
			port("udp", "127.0.0.53", 53, "0.0.0.0", 0, "", 650, "systemd-resolved"),
			port("tcp", h.ip, 40022, "10.20.0.2", 1514, "established", 901, "wazuh-agentd"),
		}
		if h.id == incident.AgentID {
			procs = append(procs,
				proc(2204, 988, "sshd", "root", "sshd: "+incident.User+" [priv]", ""), proc(2231, 2204, "sshd", incident.User, "sshd: "+incident.User+"@pts/0", ""),
				proc(2232, 2231, "bash", incident.User, "-bash", ""),
				proc(2317, 1, "kworkerd", incident.User, "/dev/shm/.x/kworkerd", "-c 203.0.113.77:8443 -q"),
				proc(1102, 1, "nginx", "root", "nginx: master process", "/usr/sbin/nginx"), proc(1103, 1102, "nginx", "www-data", "nginx: worker process", ""),
				proc(1310, 1, "restic", incident.User, "/usr/bin/restic", "backup /srv --password-file /etc/restic/pw"))
			ports = append(ports,
				port("tcp", incident.AgentIP, 22, incident.AttackerIP, 51514, "established", 2204, "sshd"),
				port("tcp", incident.AgentIP, 49822, "203.0.113.77", 8443, "established", 2317, "kworkerd"),
				port("tcp", "0.0.0.0", 443, "0.0.0.0", 0, "listening", 1102, "nginx"),
				port("tcp6", "::", 22, "::", 0, "listening", 988, "sshd"))
		}
		s.setInventory(h.id, "processes", procs...)
		s.setInventory(h.id, "ports", ports...)
		s.setInventory(h.id, "netiface",
			Object{"scan": scan, "name": "lo", "type": "loopback", "state": "up", "mtu": 65536, "mac": "00:00:00:00:00:00", "rx": counters(400), "tx": counters(400)},
			Object{"scan": scan, "name": "eth0", "type": "ethernet", "state": "up", "mtu": 1500, "mac": "02:42:0a:14:00:" + h.id[1:], "rx": counters(3638), "tx": counters(3828)})
		at := Object{"id": 0}
		s.setInventory(h.id, "netaddr",
			Object{"scan": at, "iface": "lo", "proto": "ipv4", "address": "127.0.0.1", "netmask": "255.0.0.0", "broadcast": ""},
			Object{"scan": at, "iface": "eth0", "proto": "ipv4", "address": h.ip, "netmask": "255.255.0.0", "broadcast": "10.20.255.255"},
			Object{"scan": at, "iface": "eth0", "proto": "ipv6", "address": "fe80::42:aff:fe14:" + h.id[1:], "netmask": "ffff:ffff:ffff:ffff::", "broadcast": ""})
		s.setInventory(h.id, "netproto",
			Object{"scan": at, "iface": "eth0", "type": "ipv4", "gateway": "10.20.0.1", "dhcp": "disabled"},
			Object{"scan": at, "iface": "eth0", "type": "ipv6", "gateway": "fe80::1", "dhcp": "disabled"})
	}
}

// SeedIncident is [Server.Seed] for the present.
func (s *Server) SeedIncident() { s.Seed(time.Now()) }

// Seed stores a day of alerts of all kinds and, 25 minutes before now, those of
// the incident: password guessing on [AgentAttacked], then a login that
// succeeds. It is to be called once.
func (s *Server) Seed(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &seeder{s: s, now: now.UTC(), fired: map[int]int{}}
	d.background()
	d.incident()
}

type seeder struct {
	s     *Server
	now   time.Time
	fired map[int]int
}

// alert stores an alert of a stock rule; more is merged into it.
func (d *seeder) alert(at time.Time, doc string, rule int, agent string, more Object) {
	i := slices.IndexFunc(stock, func(r stockRule) bool {
		return r.id == rule
	})
	r := stock[i]
	groups, compliance := sortedGroups(r.groups)
	d.fired[rule]++
	ro := Object{
		"id": fmt.Sprint(r.id), "level": r.level, "description": r.description, "groups": groups, "firedtimes": d.fired[rule], "mail": r.level >= 12,
	}
	for k, v := range compliance {
		if len(v) > 0 {
			ro[k] = v
		}
	}
	if ids := strings.Fields(r.mitre); len(ids) > 0 {
		var names, tactics []string
		for _, id := range ids {
			names = append(names, techniques[id].name)
			for t := range strings.SplitSeq(techniques[id].tactics, ",") {
				if !slices.Contains(tactics, t) {
					tactics = append(tactics, t)
				}
			}
		}
		ro["mitre"] = Object{"id": ids, "technique": names, "tactic": tactics}
	}
	h := hosts[slices.IndexFunc(hosts, func(h host) bool { return h.id == agent })]
	o := Object{"rule": ro, "agent": Object{"id": h.id, "name": h.name, "ip": h.ip}, "input": Object{"type": "log"}}
	if h.id == AgentManager {
		delete(o["agent"].(Object), "ip")
	}
	for k, v := range more {
		if k == "frequency" {
			ro[k] = v
			continue
		}
		o[k] = v
	}
	d.s.addAlert(at, doc, o)
}

// sshd is what the decoder for sshd makes of a line.
func sshd(at time.Time, hostname, line string, data Object) Object {
	when := at.Format("Jan 02 15:04:05")
	return Object{
		"decoder": Object{"name": "sshd", "parent": "sshd"}, "location": "/var/log/auth.log", "data": data,
		"predecoder": Object{"program_name": "sshd", "timestamp": when, "hostname": hostname},
		"full_log":   fmt.Sprintf("%s %s sshd[2204]: %s", when, hostname, line),
	}
}

func (d *seeder) incident() {
	start := incident.Start(d.now)
	guesses := []string{"admin", "oracle", "test", "ubuntu", "postgres", "git", "deploy", "backup"}
	geo := Object{"country_name": "Exampleland", "location": Object{"lat": 0.0, "lon": 0.0}}
	var lines []string
	for i := range 24 {
		at := start.Add(time.Duration(i) * 25 * time.Second)
		user, port := guesses[i%len(guesses)], fmt.Sprint(51000+i)
		line := fmt.Sprintf("Invalid user %s from %s port %s", user, incident.AttackerIP, port)
		o := sshd(at, incident.AgentName, line, Object{"srcip": incident.AttackerIP, "srcport": port, "srcuser": user})
		o["GeoLocation"] = geo
		doc := ""
		if i == 0 {
			doc = AlertFirstAttempt
		}
		d.alert(at, doc, incident.RuleInvalidUser, incident.AgentID, o)
		lines = append(lines, o["full_log"].(string))
		if i%8 == 7 {
			b := sshd(at, incident.AgentName, line, Object{"srcip": incident.AttackerIP, "srcport": port, "srcuser": user})
			b["GeoLocation"], b["frequency"], b["previous_output"] = geo, 8, strings.Join(lines[len(lines)-8:], "\n")
			doc = ""
			if i == 7 {
				doc = AlertBruteForce
			}
			d.alert(at.Add(time.Second), doc, incident.RuleBruteForce, incident.AgentID, b)
		}
	}
	at := start.Add(10*time.Minute + 20*time.Second)
	who := Object{"srcip": incident.AttackerIP, "srcport": "51513", "dstuser": incident.User}
	for i := range 2 {
		t := at.Add(time.Duration(i) * 10 * time.Second)
		d.alert(t, "", 5760, incident.AgentID, sshd(t, incident.AgentName, fmt.Sprintf("Failed password for %s from %s port 51513 ssh2", incident.User, incident.AttackerIP), who))
	}
	at = start.Add(11 * time.Minute)
	who = Object{"srcip": incident.AttackerIP, "srcport": "51514", "dstuser": incident.User}
	won := fmt.Sprintf("Accepted password for %s from %s port 51514 ssh2", incident.User, incident.AttackerIP)
	d.alert(at, AlertLoginSuccess, incident.RuleLoginSuccess, incident.AgentID, sshd(at, incident.AgentName, won, who))
	d.alert(at, "", 5501, incident.AgentID, sshd(at, incident.AgentName, "pam_unix(sshd:session): session opened for user "+incident.User, Object{"dstuser": incident.User, "uid": "0"}))
	at = at.Add(time.Second)
	o := sshd(at, incident.AgentName, won, who)
	o["GeoLocation"], o["previous_output"] = geo, strings.Join(lines[len(lines)-8:], "\n")
	d.alert(at, AlertFailThenWin, incident.RuleFailThenWin, incident.AgentID, o)
	at = at.Add(2 * time.Minute)
	d.alert(at, "", 5402, incident.AgentID, sudo(at, incident.AgentName, incident.User, "/usr/bin/id"))
}

func sudo(at time.Time, hostname, user, command string) Object {
	when := at.Format("Jan 02 15:04:05")
	return Object{
		"decoder": Object{"name": "sudo"}, "location": "/var/log/auth.log",
		"data":       Object{"srcuser": user, "dstuser": "root", "tty": "pts/0", "pwd": "/home/" + user, "command": command},
		"predecoder": Object{"program_name": "sudo", "timestamp": when, "hostname": hostname},
		"full_log":   fmt.Sprintf("%s %s sudo: %s : TTY=pts/0 ; PWD=/home/%s ; USER=root ; COMMAND=%s", when, hostname, user, user, command),
	}
}

// background stores some forty alerts of the last day that have nothing to do
// with the incident. Those of Windows have no log line.
func (d *seeder) background() {
	ago := func(minutes int) time.Time { return d.now.Add(-time.Duration(minutes) * time.Minute) }
	fim := func(path, event, changed string) Object {
		return Object{
			"decoder": Object{"name": "syscheck_integrity_changed"}, "location": "syscheck",
			"full_log": fmt.Sprintf("File '%s' %s\nMode: realtime", path, event),
			"syscheck": Object{
				"path": path, "mode": "realtime", "event": event, "uname_after": "root", "size_before": "1201", "size_after": "1288",
				"md5_before": "0cc175b9c0f1b6a831c399e269772661", "md5_after": "92eb5ffee6ae2fec3ad71c777531578f",
				"sha256_after":       "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
				"changed_attributes": strings.Fields(changed), "diff": "1c1\n< PermitRootLogin no\n---\n> PermitRootLogin yes\n",
			},
		}
	}
	web := func(src, url string, code int) Object {
		return Object{
			"decoder": Object{"name": "web-accesslog"}, "location": "/var/log/nginx/access.log",
			"data":     Object{"srcip": src, "protocol": "GET", "url": url, "id": fmt.Sprint(code)},
			"full_log": fmt.Sprintf(`%s - - "GET %s HTTP/1.1" %d 153`, src, url, code),
		}
	}
	windows := func(event, user, ip string, data Object) Object {
		e := Object{"targetUserName": user, "ipAddress": ip, "logonType": "3"}
		for k, v := range data {
			e[k] = v
		}
		return Object{
			"decoder": Object{"name": "windows_eventchannel"}, "location": "EventChannel",
			"data": Object{"win": Object{"system": Object{"eventID": event, "channel": "Security", "computer": "win-dc01.corp.example"}, "eventdata": e}},
		}
	}
	simple := func(decoder, location, log string) Object {
		return Object{"decoder": Object{"name": decoder}, "location": location, "full_log": log, "data": Object{}}
	}
	at := ago(1410)
	d.alert(at, AlertFileChanged, 550, "002", fim("/etc/ssh/sshd_config", "modified", "size mtime md5 sha1 sha256"))
	d.alert(ago(1400), "", 554, "001", fim("/var/www/html/upload/readme.txt", "added", ""))
	d.alert(ago(1380), "", 553, "006", fim("/tmp/build.lock", "deleted", ""))
	d.alert(ago(760), "", 550, "004", fim(`C:\Windows\System32\drivers\etc\hosts`, "modified", "size mtime md5"))
	d.alert(ago(300), "", 554, "005", fim("/etc/postfix/sasl_passwd.new", "added", ""))
	for i, u := range []string{"/wp-login.php", "/.git/config", "/phpmyadmin/", "/owa/auth", "/cgi-bin/test?id=1"} {
		d.alert(ago(1200-i), "", 31101, "001", web("203.0.113.45", u, 404))
	}
	d.alert(ago(1190), "", 31151, "001", web("203.0.113.45", "/backup.zip", 404))
	d.alert(ago(1180), "", 31103, "001", web("203.0.113.46", "/item?id=1%20union%20select%201", 200))
	for i := range 4 {
		d.alert(ago(1000-90*i), "", 60106, "003", windows("4624", fmt.Sprintf("user%02d", i), "10.20.3.14", nil))
	}
	for i := range 3 {
		d.alert(ago(640-i), "", 60122, "003", windows("4625", "j.doe", "10.20.3.14", nil))
	}
	d.alert(ago(636), "", 60204, "003", windows("4625", "j.doe", "10.20.3.14", nil))
	d.alert(ago(500), "", 92057, "004", windows("1", "j.doe", "-", Object{
		"image":       `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`,
		"commandLine": `powershell.exe -EncodedCommand SQBFAFgA`, "parentImage": `C:\Windows\explorer.exe`,
	}))
	d.alert(ago(498), "", 92213, "004", windows("11", "j.doe", "-", Object{"targetFilename": `C:\Users\j.doe\AppData\Local\Temp\x.exe`}))
	d.alert(ago(470), "", 87105, "004", Object{
		"decoder": Object{"name": "json"}, "location": "virustotal",
		"data": Object{"integration": "virustotal", "virustotal": Object{"found": "1", "malicious": "1", "positives": "41", "source": Object{"file": `C:\Users\j.doe\AppData\Local\Temp\x.exe`, "md5": "44d88612fea8a8f36de82e1278abb02f"}}},
	})
	for i, agent := range []string{"002", "005", "012"} {
		t := ago(880 - 200*i)
		d.alert(t, "", 5402, agent, sudo(t, hosts[1+i].name, "ops", "/usr/bin/apt update"))
	}
	d.alert(ago(870), "", 2902, "005", simple("dpkg-decoder", "/var/log/dpkg.log", "status installed curl:amd64 7.88.1-10+deb12u8"))
	t := ago(820)
	d.alert(t, "", 5715, "012", sshd(t, "jump-01", "Accepted publickey for ops from 10.20.4.10 port 50122 ssh2", Object{"srcip": "10.20.4.10", "srcport": "50122", "dstuser": "ops"}))
	d.alert(t, "", 5501, "012", sshd(t, "jump-01", "pam_unix(sshd:session): session opened for user ops", Object{"dstuser": "ops"}))
	t = ago(700)
	d.alert(t, "", 5503, "006", sshd(t, "fleet-006", "pam_unix(login:auth): authentication failure; user=ops", Object{"dstuser": "ops"}))
	t = ago(690)
	d.alert(t, "", 2502, "006", sshd(t, "fleet-006", "PAM 2 more authentication failures; user=ops", Object{"dstuser": "ops", "srcip": "10.20.4.10"}))
	d.alert(ago(600), "", 510, "008", simple("rootcheck", "rootcheck", "Trojaned version of file '/bin/diff' suspected"))
	d.alert(ago(560), "", 19004, "008", Object{
		"decoder": Object{"name": "sca"}, "location": "sca",
		"data": Object{"sca": Object{"type": "summary", "policy": "CIS Ubuntu 22.04", "score": "29", "passed": "55", "failed": "130"}},
	})
	d.alert(ago(4400), "", 506, AgentDisconnected, simple("ossec", "wazuh-monitord", "ossec: Agent stopped: 'dev-laptop-3->any'."))
	d.alert(ago(420), "", 503, "009", simple("ossec", "wazuh-remoted", "ossec: Agent started: 'vpn-gw->any'."))
	d.alert(ago(410), "", 502, AgentManager, simple("ossec", "wazuh-monitord", "ossec: Manager started."))
	d.alert(ago(240), "", 4101, "009", Object{
		"decoder": Object{"name": "iptables"}, "location": "/var/log/kern.log", "full_log": "kernel: DROP IN=eth0 SRC=203.0.113.99 DST=10.20.0.254 PROTO=TCP DPT=3389",
		"data": Object{"srcip": "203.0.113.99", "dstip": "10.20.0.254", "protocol": "TCP", "dstport": "3389", "action": "DROP"},
	})
	d.alert(ago(120), "", 533, "002", simple("ossec", "netstat listening ports", "ossec: output: 'netstat listening ports': tcp 0.0.0.0:5432 postgres"))
	d.alert(ago(60), "", 1002, "005", simple("", "/var/log/mail.log", "postfix/smtpd[3321]: error: timeout after DATA"))
}
