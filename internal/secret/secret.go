// Package secret says what is a secret in what the platforms answer, by the name
// that it stands under and by what it looks like in a text. What the platforms
// differ in are rows of its tables.
package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// Redacted stands where a secret was.
const Redacted = "[REDACTED]"

// A Judge tells secrets from the rest in the JSON of one platform.
type Judge struct {
	fold  func(name string) string // how a name is spelled for
	hints []string                 // what a name has in it that may be one of names, if that is known
	names *lazyregexp.Regexp       // which are those of secrets, but
	not   *lazyregexp.Regexp       // not these: they say where one is, or whether there is one

	keyFiles []string // objects in which a key is the name of a file
	content  []string // members that hold what the element around them is called for
	labels   []string // objects of names and values of one's own
	texts    bool     // secrets are looked for in texts too, and in the JSON in them
	whole    bool     // under a secret's name all goes but numbers, booleans and null; else each number and text

	worker   []string // an object with any of them is a worker's own configuration
	below    []string // objects whose members
	stricter *Judge   // another judge judges
}

// Name reports whether a member of this name holds a secret.
func (j *Judge) Name(name string) bool {
	n := j.fold(name)
	if j.hints != nil && !slices.ContainsFunc(j.hints, func(h string) bool { return strings.Contains(n, h) }) {
		return false
	}
	return j.names.MatchString(n) && (j.not == nil || !j.not.MatchString(n))
}

// Folded returns a name without case and what stands between its words.
func Folded(name string) string { return between.Replace(strings.ToLower(name)) }

var between = strings.NewReplacer("_", "", "-", "", ".", "", " ", "")

func underscored(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "-", "_")
}

// JSON returns raw without secrets, and the paths at which they were, from root
// on. JSON without any comes back as it is. The value is taken to stand under the
// name root in the object called within, either of which may be empty.
func (j *Judge) JSON(raw []byte, root, within string) (clean []byte, paths []string, err error) {
	if !j.texts && !bytes.ContainsAny(raw, `{\`) && !j.quoted(string(raw)) && json.Valid(raw) { // most: a text, a number, a list of them
		return raw, nil, nil
	}
	v, err := jsontree.Parse([]byte(strings.ToValidUTF8(string(raw), "\ufffd")), jsontree.MaxDepthOut)
	if err != nil {
		return nil, nil, err
	}
	s := search{Judge: j}
	s.value(v, place{path: root, key: root, parent: within, secret: s.in(root, within) && !j.whole})
	if len(s.paths) == 0 {
		return raw, nil, nil
	}
	slices.Sort(s.paths)
	return v.Append(nil), slices.Compact(s.paths), nil
}

// quoted reports whether a text may quote the configuration of a worker.
func (j *Judge) quoted(text string) bool {
	return slices.ContainsFunc(j.worker, func(name string) bool { return strings.Contains(text, name) })
}

// A search takes secrets out of a tree.
type search struct {
	*Judge
	paths []string
}

// A place is where a value stands: under key in the object called parent.
type place struct {
	path, key, parent string
	secret            bool // it is one
}

func (s *search) hide(v *jsontree.Value, path string) {
	*v = *jsontree.StringValue(Redacted)
	s.paths = append(s.paths, path)
}

// in reports whether key, in the object called parent, holds a secret.
func (s *search) in(key, parent string) bool {
	return s.Name(key) && !(strings.EqualFold(key, "key") && slices.Contains(s.keyFiles, parent))
}

func (s *search) value(v *jsontree.Value, at place) {
	switch v.Kind {
	case jsontree.Object:
		s.object(v, at)
	case jsontree.Array:
		for i, e := range v.Elems {
			in := at
			in.path = fmt.Sprintf("%s[%d]", at.path, i)
			s.value(e, in)
		}
	case jsontree.Number:
		if at.secret {
			s.hide(v, at.path)
		}
	case jsontree.String:
		s.text(v, at)
	}
}

func (s *search) object(v *jsontree.Value, at place) {
	if slices.ContainsFunc(s.worker, func(name string) bool { return v.Get(name) != nil }) {
		s.hide(v, at.path)
		return
	}
	labelled := slices.Contains(s.labels, at.key)
	named := labelled && s.labelled(v)
	for i, key := range v.Keys {
		e, in := v.Elems[i], place{path: at.path + "." + key, key: key, parent: at.key}
		switch {
		case labelled && key == "key": // the name of a label
			continue
		case slices.Contains(s.content, key):
			in.secret = s.in(at.key, at.parent) || named
		}
		in.secret = in.secret || s.in(key, at.key)
		switch {
		case s.whole && in.secret && (e.Kind == jsontree.String || e.Kind == jsontree.Array || e.Kind == jsontree.Object):
			s.hide(e, in.path)
			continue
		case s.whole:
			in.secret = false
		}
		if slices.Contains(s.below, s.fold(key)) {
			below := search{Judge: s.stricter}
			below.value(e, in)
			s.paths = append(s.paths, below.paths...)
			continue
		}
		s.value(e, in)
	}
}

// labelled reports whether the label v is named like a secret.
func (s *search) labelled(v *jsontree.Value) bool {
	name := v.Get("key")
	return name != nil && s.in(name.Text, "")
}

func (s *search) text(v *jsontree.Value, at place) {
	switch {
	case at.secret && v.Text != "" && v.Text != "yes" && v.Text != "no":
		s.hide(v, at.path)
		return
	case !s.texts:
		if s.quoted(v.Text) {
			s.replace(v, Text(v.Text), at.path)
		}
		return
	}
	if t := strings.TrimSpace(v.Text); strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[") {
		if inner, err := jsontree.Parse([]byte(t), jsontree.MaxDepthOut); err == nil {
			below := search{Judge: s.Judge}
			if below.value(inner, place{path: at.path}); len(below.paths) > 0 {
				s.paths = append(s.paths, below.paths...)
				v.Text = string(inner.Append(nil))
			}
			return
		}
	}
	s.replace(v, Text(webhook(at.key, v.Text)), at.path)
}

func (s *search) replace(v *jsontree.Value, text, path string) {
	if text != v.Text {
		v.Text = text
		s.paths = append(s.paths, path)
	}
}

// webhook returns an address that stands under key without its path, whatever that
// is, if it is called one of a webhook.
func webhook(key, s string) string {
	if k := strings.ToLower(key); !strings.HasSuffix(k, "hook_url") && !strings.HasSuffix(k, "hook") {
		return s
	}
	_, address, _ := strings.Cut(s, "://")
	_, path, _ := strings.Cut(address, "/")
	if path == "" {
		return s
	}
	return strings.TrimSuffix(s, path) + Redacted
}

// Text returns a text without what looks like a credential. It is for what tells
// how to reach something, and how that failed, and not for data.
func Text(s string) string { return replaced(replaced(s, likely), certain) }

// Message returns an error's message without what can't be but a credential.
func Message(s string) string { return replaced(s, certain) }

func replaced(s string, list []pattern) string {
	for _, p := range list {
		s = p.of.ReplaceAllString(s, p.by)
	}
	return s
}
