package egress

import (
	"strings"

	"github.com/sallyport-soc/sallyport/gate/marking"
)

// Marking says why what is marked so can't be shown to a third party, or returns "".
func Marking(t marking.TLP, p marking.PAP) string {
	switch {
	case t >= marking.TLPRed:
		return "TLP:RED leaves for nobody"
	case p >= marking.PAPRed:
		return "PAP:RED allows no query outside"
	}
	return ""
}

// Observable says why an observable can't be shown to a third party, or returns
// "". Whatever its type says, the value is looked at as what it looks like.
func (f Filter) Observable(dataType, data string) string {
	var why string
	switch dataType {
	case "domain", "fqdn", "hostname":
		why = f.Host(data)
	case "url", "uri":
		why = f.URL(data)
	case "uri_path":
		if strings.Contains(data, "://") {
			why = f.URL(data)
		}
	case "mail":
		why = f.Mail(data)
	}
	if rest, ok := strings.CutPrefix(data, `\\`); ok && why == "" { // a path on a file server
		host, _, _ := strings.Cut(rest, `\`)
		why = f.Host(host)
	}
	if why == "" {
		why = f.Text(data)
	}
	return why
}

// WayOut says what can be done instead with an observable of a type that f lets
// not leave. local is the setting that names the analyzers which show data to
// nobody outside; whole is the argument by which a person is asked whether a URL
// may leave as it is.
func (f Filter) WayOut(dataType, data, local, whole string) string {
	way := "use an analyzer that the operator lists in " + local + " because it shows data to nobody outside"
	if dataType != "url" && dataType != "uri" {
		return way
	}
	cut := "submit the URL up to its path, without query, user and token, or the domain alone; or " + way
	if f.Whole = true; f.Observable(dataType, data) == "" {
		cut += "; or set " + whole + " to ask a person whether it may leave as it is"
	}
	return cut
}
