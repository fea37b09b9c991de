package facts

import "strings"

// Plain takes citations and link targets out of MITRE's prose: "[Mimikatz](https://…) (Citation: X)" becomes "Mimikatz".
func Plain(text string) string {
	var out strings.Builder
	for text != "" {
		next := strings.IndexAny(text, "[(")
		if next < 0 {
			out.WriteString(text)
			break
		}
		out.WriteString(text[:next])
		text = text[next:]
		if strings.HasPrefix(text, "(Citation:") {
			if end := strings.IndexByte(text, ')'); end >= 0 {
				text = text[end+1:]
				continue
			}
		}
		if text[0] == '[' {
			label, rest, ok := strings.Cut(text[1:], "](")
			if _, after, closed := strings.Cut(rest, ")"); ok && closed && !strings.ContainsAny(label, "[]\n") {
				out.WriteString(label)
				text = after
				continue
			}
		}
		out.WriteByte(text[0])
		text = text[1:]
	}
	return strings.TrimSpace(out.String())
}
