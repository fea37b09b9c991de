package wazuhtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A lateAlert is one that isn't indexed yet.
type lateAlert struct {
	from   time.Time
	source Object
}

// SetResponseDelay sets how long the log of an active response takes from the agent to the
// indexer; never says that it doesn't arrive at all.
func (s *Server) SetResponseDelay(d time.Duration, never bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay, s.mute = d, never
}

// RefuseResponses makes an agent refuse active responses with a code of Wazuh's: 1750,
// disabled there; 1117, it doesn't answer.
func (s *Server) RefuseResponses(agent string, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuses[agent] = code
}

// Blocked returns the addresses that an agent blocks.
func (s *Server) Blocked(agent string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.blocked[agent])
}

var (
	responseCommand = regexp.MustCompile(`^!?[\w.\-]+$`)
	refusals        = map[int]string{
		1707: "Cannot send request, agent is not active", 1750: "Could not send restart command, active-response is disabled in the agent",
		1117: "Unable to connect with component. The component might be disabled.: com:active-response", 1701: "Agent does not exist", 1652: "The command used is not defined in the configuration.",
	}
)

// respond sends a command to agents. That it was sent says nothing of whether it was
// done: a script that no agent has is sent too.
func (s *Server) respond(q url.Values, body []byte) *reply {
	var in struct {
		Command   string          `json:"command"`
		Arguments []string        `json:"arguments"`
		Alert     map[string]any  `json:"alert"`
		Other     json.RawMessage `json:"-"`
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return problem(http.StatusBadRequest, "Bad Request", "an object is wanted")
	}
	for k := range members {
		if k != "command" && k != "arguments" && k != "alert" {
			return problem(http.StatusBadRequest, "Bad Request", "Invalid field found {'"+k+"'}")
		}
	}
	switch err := json.Unmarshal(body, &in); {
	case err != nil:
		return problem(http.StatusBadRequest, "Bad Request", err.Error())
	case members["command"] == nil:
		return problem(http.StatusBadRequest, "Bad Request", "'command' is a required property")
	case !responseCommand.MatchString(in.Command):
		return problem(http.StatusBadRequest, "Bad Request", fmt.Sprintf("'%s' is not a 'active_response_command' - 'command'", in.Command))
	}
	named, listed := q["agents_list"]
	ids := split(strings.Join(named, ","))
	for _, id := range ids {
		if why := agentNumber.refuse(id); why != "" {
			return refused(why)
		}
	}
	switch {
	case listed && len(ids) == 0:
		return problem(http.StatusBadRequest, "Bad Request", "'' is too short")
	case s.forbidden["active-response:command"] && !listed:
		return done("AR command was not sent to any agent") // nothing, and no word of it
	case s.forbidden["active-response:command"]:
		return forbidden("agent:id")
	case !listed: // every agent that is active
		for _, a := range s.agents {
			if a["status"] == "active" && a["id"] != AgentManager {
				ids = append(ids, fmt.Sprint(a["id"]))
			}
		}
	}
	failed := failures{}
	var sent []any
	for _, id := range ids {
		a := s.agent(id)
		code := s.refuses[id]
		switch {
		case id == AgentManager:
			continue // neither done nor failed
		case a == nil:
			code = 1701
		case a["status"] != "active":
			code = 1707
		case code == 0 && !strings.HasPrefix(in.Command, "!") && !s.conf[in.Command]:
			code = 1652
		}
		if code != 0 {
			failed.add(code, refusals[code], "Look into the documentation of Wazuh", id)
			continue
		}
		sent = append(sent, id)
		s.obeys(id, in.Command, first(in.Alert, "data.srcip"))
	}
	if len(sent) == 0 && len(failed) == 0 {
		return done("AR command was not sent to any agent")
	}
	a := rows(nil, url.Values{}, map[string]bool{"": true}, "", failed, "AR command was sent to all agents", "AR command was not sent to any agent")
	if len(sent) > 0 {
		o := a.body.(Object)
		data := o["data"].(Object)
		data["affected_items"], data["total_affected_items"] = sent, len(sent)
		if o["message"], o["error"] = "AR command was sent to all agents", 0; len(failed) > 0 {
			o["message"], o["error"] = "AR command was sent to some agents", 2
		}
	}
	return a
}

// obeys has an agent do what it was sent, if it can, and write that into its log.
func (s *Server) obeys(agent, command string, srcip any) {
	act := s.scripts[command]
	if strings.HasPrefix(command, "firewall-drop") {
		act = "block"
	}
	address, isText := srcip.(string)
	if _, err := netip.ParseAddr(address); !isText || err != nil || act == "" {
		return // a script that it hasn't, or nothing that it could read
	}
	rule, word := 651, "add"
	switch act {
	case "block":
		if !slices.Contains(s.blocked[agent], address) {
			s.blocked[agent] = append(s.blocked[agent], address)
		}
	case "allow":
		rule, word = 652, "delete"
		s.blocked[agent] = slices.DeleteFunc(s.blocked[agent], func(a string) bool { return a == address })
	}
	if s.mute {
		return
	}
	h := s.agent(agent)
	s.late = append(s.late, lateAlert{time.Now().Add(s.delay), Object{
		"rule":  Object{"id": fmt.Sprint(rule), "level": 3, "description": map[int]string{651: "A host was blocked by firewall-drop", 652: "A host was unblocked by firewall-drop"}[rule], "groups": []string{"ossec", "active_response"}, "firedtimes": 1, "mail": false},
		"agent": Object{"id": agent, "name": h["name"], "ip": h["ip"]}, "input": Object{"type": "log"}, "decoder": Object{"name": "ar_log_json", "parent": "ar_log_json"}, "location": "/var/ossec/logs/active-responses.log",
		"data": Object{"version": "1", "origin": Object{"name": NodeName, "module": "wazuh-execd"}, "command": word, "srcip": address,
			"parameters": Object{"extra_args": []any{}, "alert": Object{"data": Object{"srcip": address}}, "program": "active-response/bin/firewall-drop"}},
	}})
}

// arrive puts into the index what has come by now.
func (s *Server) arrive() {
	now := time.Now()
	s.late = slices.DeleteFunc(s.late, func(l lateAlert) bool {
		if now.Before(l.from) {
			return false
		}
		s.addAlert(now, "", maps.Clone(l.source))
		return true
	})
}
