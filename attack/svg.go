package attack

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
)

// maxLayer is the most that [ReadLayer] reads, in bytes.
const maxLayer = 32 << 20

// ReadLayer reads a layer, from the Navigator or elsewhere, as one of format 4.5, and validates it. What the format doesn't
// require may be absent; layers of earlier formats become ones of 4.5; ids and tactics may be written in any way; members that the format doesn't have are ignored. What
// was changed for that is in [Layer.Notes]. Of a file with several layers it is the first; [ReadLayers] reads all.
func ReadLayer(r io.Reader) (*Layer, error) {
	layers, err := ReadLayers(r)
	if err != nil {
		return nil, err
	}
	if n := len(layers); n > 1 {
		layers[0].note("the file has %d layers, of which this is the first", n)
	}
	return layers[0], nil
}

// ReadLayers reads a file of one or several layers, as the Navigator writes those that are open, like [ReadLayer].
func ReadLayers(r io.Reader) ([]*Layer, error) {
	limited := &io.LimitedReader{R: r, N: maxLayer + 1}
	text := bufio.NewReader(limited)
	if mark, _ := text.Peek(3); string(mark) == "\ufeff" { // as Windows writes files; what can't be read is seen below
		_, _ = text.Discard(3)
	}
	dec := json.NewDecoder(text)
	var file json.RawMessage
	err := dec.Decode(&file)
	if err == nil {
		if _, err = dec.Token(); err == io.EOF {
			err = nil
		} else if err == nil {
			err = fmt.Errorf("more data after the layer")
		}
	}
	if limited.N <= 0 {
		return nil, invalid("layer is larger than %d bytes", maxLayer)
	}
	if err != nil {
		return nil, fmt.Errorf("attack: layer: %w", err)
	}
	files := []json.RawMessage{file}
	if file[0] == '[' {
		files = nil
		if err := json.Unmarshal(file, &files); err != nil {
			return nil, fmt.Errorf("attack: layer: %w", err)
		}
		if len(files) == 0 {
			return nil, invalid("the file has no layer")
		}
	}
	layers := make([]*Layer, len(files))
	for i, f := range files {
		layers[i] = &Layer{}
		if err := json.Unmarshal(f, layers[i]); err != nil {
			return nil, fmt.Errorf("attack: layer: %w", err)
		}
		layers[i].complete(f)
		if err := layers[i].Validate(); err != nil {
			return nil, err
		}
	}
	return layers, nil
}

func (l *Layer) note(format string, args ...any) {
	l.Notes = append(l.Notes, fmt.Sprintf(format, args...))
}

// formerDomains has the names of domains in layers of format 3.
var formerDomains = map[string]string{"mitre-enterprise": "enterprise-attack", "mitre-mobile": "mobile-attack", "mitre-ics": "ics-attack"}

// complete makes a layer as it was read one of format 4.5.
func (l *Layer) complete(file []byte) {
	var old struct {
		Version string `json:"version"` // of format 3 and before
	}
	if l.Versions.Layer == "" {
		_ = json.Unmarshal(file, &old) // it may be anything where the format is a later one
		l.Versions.Layer = old.Version
	}
	switch v := l.Versions.Layer; {
	case v == LayerFormat:
	case v == "":
		l.Versions.Layer = LayerFormat
		l.note("the layer doesn't tell its format; it was read as %s", LayerFormat)
	case strings.HasPrefix(v, "3.") || strings.HasPrefix(v, "4."):
		l.Versions.Layer = LayerFormat
		l.note("the layer is of format %s; it was read as %s", clip.Text(v, 20), LayerFormat)
	}
	if now, ok := formerDomains[l.Domain]; ok {
		l.Domain = now
	}
	if l.Layout.Layout == "" {
		l.Layout.Layout = "side"
	}
	if l.Layout.AggregateFunction == "" {
		l.Layout.AggregateFunction = "average"
	}
	if l.Techniques == nil {
		l.Techniques = []LayerTechnique{}
	}
	dropped := l.dropNotes(&l.Metadata, &l.Links)
	for i := range l.Techniques {
		t := &l.Techniques[i]
		t.TechniqueID, t.Tactic = canonical(t.TechniqueID), tacticKey(t.Tactic)
		dropped += l.dropNotes(&t.Metadata, &t.Links)
	}
	if dropped > 0 {
		l.note("%d metadata or links without name, value or address were left out", dropped)
	}
}

// dropNotes leaves out metadata and links that say nothing, and returns how many.
func (l *Layer) dropNotes(metadata *[]LayerMetadata, links *[]LayerLink) int {
	before := len(*metadata) + len(*links)
	*metadata = slices.DeleteFunc(*metadata, func(m LayerMetadata) bool { return !m.Divider && (m.Name == "" || m.Value == "") })
	*links = slices.DeleteFunc(*links, func(k LayerLink) bool { return !k.Divider && (k.Label == "" || k.URL == "") })
	return before - len(*metadata) - len(*links)
}

// Write writes the layer as a file that the Navigator opens.
func (l *Layer) Write(w io.Writer) error {
	if err := l.Validate(); err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(l)
}

// MergeLayers joins layers of one domain and one major version of ATT&CK into a new one of the given name; a layer that
// doesn't tell its version goes with any. The score of a technique is the sum of its
// scores; comments are joined; the colour is that of the first layer that has one, unless another layer has another: then
// there is none, and the score decides. A technique is disabled if every layer that has it disables it.
func MergeLayers(name string, layers ...*Layer) (*Layer, error) {
	if len(layers) == 0 {
		return nil, invalid("no layers to merge")
	}
	out := NewLayer(name, "", "")
	out.Domain = layers[0].Domain
	var names []string
	at := map[[2]string]int{}
	clash := map[int]bool{}
	highest := 0.0
	for _, l := range layers {
		if err := l.Validate(); err != nil {
			return nil, err
		}
		version, _, _ := strings.Cut(l.Versions.ATTACK, ".")
		if out.Versions.ATTACK == "" {
			out.Versions.ATTACK = version
		}
		if l.Domain != out.Domain || version != "" && version != out.Versions.ATTACK {
			return nil, invalid("layer %q is of %s %s, and what stands before it of %s %s", clip.Text(l.Name, 80), l.Domain, version,
				out.Domain, out.Versions.ATTACK)
		}
		if out.CustomDataURL == "" {
			out.CustomDataURL = l.CustomDataURL
		}
		names = append(names, l.Name)
		for _, t := range l.Techniques {
			key := [2]string{t.TechniqueID, t.Tactic}
			i, ok := at[key]
			if !ok {
				at[key] = len(out.Techniques)
				t.Metadata, t.Links = slices.Clone(t.Metadata), slices.Clone(t.Links)
				out.Techniques = append(out.Techniques, t)
			} else {
				join := &out.Techniques[i]
				clash[i] = clash[i] || t.Color != "" && join.Color != "" && t.Color != join.Color
				join.add(t)
			}
		}
		for _, item := range l.LegendItems {
			if !slices.Contains(out.LegendItems, item) {
				out.LegendItems = append(out.LegendItems, item)
			}
		}
	}
	for i := range out.Techniques {
		if clash[i] {
			out.Techniques[i].Color = ""
		}
		if s := out.Techniques[i].Score; s != nil {
			highest = max(highest, *s)
		}
	}
	out.Description = "Merged from " + strings.Join(names, ", ") + "."
	if highest > 0 {
		out.Gradient = &LayerGradient{Colors: []string{layerYellow, layerRed}, MinValue: 0, MaxValue: highest}
	}
	return out, out.Validate()
}

func (t *LayerTechnique) add(other LayerTechnique) {
	if other.Score != nil {
		sum := *other.Score
		if t.Score != nil {
			sum += *t.Score
		}
		t.Score = &sum
	}
	if t.Color == "" {
		t.Color = other.Color
	}
	if other.Comment != "" && other.Comment != t.Comment {
		if t.Comment != "" {
			t.Comment += "; "
		}
		t.Comment += other.Comment
	}
	if t.Enabled != nil && (other.Enabled == nil || *other.Enabled) {
		t.Enabled = nil
	}
	t.ShowSubtechniques = t.ShowSubtechniques || other.ShowSubtechniques
	t.Metadata = append(t.Metadata, other.Metadata...)
	t.Links = append(t.Links, other.Links...)
}

// Sizes of an SVG, in its units.
const (
	svgColumn = 168
	svgGap    = 6
	svgRow    = 17
	svgIndent = 12
	svgTop    = 64
	svgHead   = 34
)

// LeftOut returns the ids of a layer that this knowledge base doesn't have, each once, in order.
func (k *KB) LeftOut(l *Layer) []string {
	var ids []string
	for _, t := range l.Techniques {
		if _, ok := k.Technique(t.TechniqueID); !ok {
			ids = append(ids, t.TechniqueID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// SVG draws a layer as the Navigator would lay it out: a column for each tactic of the matrix, the techniques below it, and
// those sub-techniques that the layer has. A score stands beside its technique, so that the drawing can be read on paper
// without colours. It is for looking at; the layer's JSON is what the Navigator opens. Techniques that this knowledge base
// doesn't have stand in a column of their own; [KB.LeftOut] names them.
func (k *KB) SVG(l *Layer) ([]byte, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	m, ok := k.Matrix(Domain(strings.TrimSuffix(l.Domain, "-attack")))
	if !ok {
		return nil, invalid("layer is of %s, which isn't loaded", l.Domain)
	}
	entries := map[[2]string]*LayerTechnique{}
	for i := range l.Techniques {
		t := &l.Techniques[i]
		id := t.TechniqueID
		if now, _, err := k.Resolve(id); err == nil && entries[[2]string{now.ID, t.Tactic}] == nil {
			id = now.ID
		}
		entries[[2]string{id, t.Tactic}] = t
	}
	d := drawing{layer: l}
	tactics := m.Tactics()
	for i, ta := range tactics {
		d.column(i, ta, func(t *Technique) *LayerTechnique {
			if e := entries[[2]string{t.ID, ta.ShortName}]; e != nil {
				return e
			}
			return entries[[2]string{t.ID, ""}]
		})
	}
	columns := len(tactics)
	if left := k.LeftOut(l); left != nil {
		d.leftOut(columns, "Not in "+k.has(), left)
		columns++
	}
	return d.page(columns), nil
}

// drawing collects the parts of an SVG.
type drawing struct {
	layer  *Layer
	body   bytes.Buffer
	bottom int
	blank  bool // whether a technique of the layer has no colour
}

// head draws the head of a column and returns where its rows begin.
func (d *drawing) head(i int, name, color string) (x, y int) {
	x, y = svgGap+i*(svgColumn+svgGap), svgTop
	d.rect(x, y, svgColumn, svgHead-4, color, "", "")
	d.text(x+6, y+19, name, "h", svgColumn-12, 12)
	return x, y + svgHead
}

func (d *drawing) column(i int, ta *Tactic, entry func(*Technique) *LayerTechnique) {
	x, y := d.head(i, ta.Name, "#3b4252")
	shown := ta.Techniques()
	slices.SortStableFunc(shown, func(a, b *Technique) int {
		return strings.Compare(familyName(a), familyName(b))
	})
	for _, t := range shown {
		e := entry(t)
		if t.Subtechnique && (e == nil || d.layer.Layout.ExpandedSubtechniques == "none") {
			continue
		}
		indent := 0
		if t.Subtechnique {
			indent = svgIndent
		}
		label := t.Name
		if d.layer.Layout.ShowID {
			label = t.ID + " " + t.Name
		}
		d.row(x+indent, y, svgColumn-indent, label, t.ID+" "+t.Name, e)
		y += svgRow
	}
	d.bottom = max(d.bottom, y)
}

// leftOut draws a column of what the matrix doesn't have.
func (d *drawing) leftOut(i int, name string, ids []string) {
	x, y := d.head(i, name, "#7a4a2a")
	for _, id := range ids {
		at := slices.IndexFunc(d.layer.Techniques, func(t LayerTechnique) bool { return t.TechniqueID == id })
		d.row(x, y, svgColumn, id, id, &d.layer.Techniques[at])
		y += svgRow
	}
	d.bottom = max(d.bottom, y)
}

// row draws a technique, with its score if the layer has one.
func (d *drawing) row(x, y, width int, label, tip string, e *LayerTechnique) {
	fill, class, score := "#ffffff", "t", ""
	if e == nil {
		d.blank = true
	} else {
		fill = d.fill(e)
		if e.Score != nil {
			score = strconv.FormatFloat(*e.Score, 'g', 4, 64)
			tip += ", score " + score
		}
		if e.Comment != "" {
			tip += ": " + e.Comment
		}
		if e.Enabled != nil && !*e.Enabled {
			fill, class = "#eeeeee", "off"
		}
	}
	d.rect(x, y, width, svgRow-2, fill, "#c8ccd4", tip)
	room := width - 8
	if score != "" {
		room -= int(textWidth(score, 10)) + 4
		fmt.Fprintf(&d.body, `<text x="%d" y="%d" class="%s" text-anchor="end">%s</text>`+"\n", x+width-4, y+11, class, score)
	}
	d.text(x+4, y+11, label, class, room, 10)
}

// familyName sorts techniques by name, with sub-techniques below their parent.
func familyName(t *Technique) string {
	if p := t.Parent(); p != nil {
		return p.Name + "\x00" + p.ID + "\x01" + t.Name
	}
	return t.Name + "\x00" + t.ID
}

// fill returns the colour of an entry: its own, else that of its score.
func (d *drawing) fill(e *LayerTechnique) string {
	g := d.layer.Gradient
	switch {
	case e.Color != "":
		return e.Color[:7]
	case e.Score == nil || g == nil:
		return "#ffffff"
	}
	at := (*e.Score - g.MinValue) / (g.MaxValue - g.MinValue)
	at = min(max(at, 0), 1) * float64(len(g.Colors)-1)
	i := min(int(at), len(g.Colors)-2)
	return blend(g.Colors[i], g.Colors[i+1], at-float64(i))
}

// blend mixes two colours, which Validate found to be #rrggbb or #rrggbbaa.
func blend(a, b string, share float64) string {
	out := "#"
	for i := 1; i < 7; i += 2 {
		x, _ := strconv.ParseUint(a[i:i+2], 16, 8)
		y, _ := strconv.ParseUint(b[i:i+2], 16, 8)
		out += fmt.Sprintf("%02x", int(float64(x)+(float64(y)-float64(x))*share+0.5))
	}
	return out
}

func (d *drawing) rect(x, y, w, h int, fill, stroke, tip string) {
	fmt.Fprintf(&d.body, `<rect x="%d" y="%d" width="%d" height="%d" rx="2" fill="%s"`, x, y, w, h, fill)
	if stroke != "" {
		fmt.Fprintf(&d.body, ` stroke="%s"`, stroke)
	}
	if tip == "" {
		d.body.WriteString("/>\n")
		return
	}
	d.body.WriteString("><title>" + escaped(tip) + "</title></rect>\n")
}

// text writes a line of letters of a size that is cut to a width.
func (d *drawing) text(x, y int, s, class string, width int, size float64) {
	if textWidth(s, size) > float64(width) {
		letters := []rune(s)
		for len(letters) > 0 && textWidth(string(letters)+"…", size) > float64(width) {
			letters = letters[:len(letters)-1]
		}
		s = string(letters) + "…"
	}
	fmt.Fprintf(&d.body, `<text x="%d" y="%d" class="%s">%s</text>`+"\n", x, y, class, escaped(s))
}

// textWidth is how wide a text of a size is in the widest of the fonts that a viewer may choose.
func textWidth(s string, size float64) float64 {
	em := 0.0
	for _, c := range s {
		switch {
		case strings.ContainsRune("ijlI.,:;'|! ()[]/tfr", c):
			em += .36
		case strings.ContainsRune("mwMW@…", c):
			em += .95
		case 'A' <= c && c <= 'Z' || c == '&':
			em += .72
		default:
			em += .59
		}
	}
	return em * size
}

// page puts title and legend around the columns.
func (d *drawing) page(columns int) []byte {
	width := max(svgGap+columns*(svgColumn+svgGap), 480)
	d.text(svgGap, 24, d.layer.Name, "title", width-2*svgGap, 18)
	about := d.layer.Domain
	if v := d.layer.Versions.ATTACK; v != "" {
		about += ", ATT&CK " + v
	}
	if d.layer.Description != "" {
		about += ". " + d.layer.Description
	}
	d.text(svgGap, 44, about, "t", width-2*svgGap, 10)
	y := d.bottom + 14
	legend := d.layer.LegendItems
	if g := d.layer.Gradient; g != nil && len(legend) == 0 {
		legend = []LegendItem{
			{fmt.Sprintf("score %g", g.MinValue), g.Colors[0][:7]}, {fmt.Sprintf("score %g", g.MaxValue), g.Colors[len(g.Colors)-1][:7]},
		}
	}
	if d.blank && !slices.ContainsFunc(legend, func(i LegendItem) bool { return strings.EqualFold(i.Color[:7], "#ffffff") }) {
		legend = append(slices.Clip(legend), LegendItem{"the layer says nothing of it", "#ffffff"})
	}
	for _, item := range legend {
		d.rect(svgGap, y, svgRow-3, svgRow-3, item.Color[:7], "#c8ccd4", "")
		d.text(svgGap+22, y+11, item.Label, "t", width-40, 10)
		y += svgRow
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">`+"\n", width, y+10, width, y+10)
	out.WriteString("<style>text{font-family:Helvetica,Arial,sans-serif;fill:#1c2026}.title{font-size:18px;font-weight:bold}" +
		".h{font-size:12px;font-weight:bold;fill:#ffffff}.t{font-size:10px}.off{font-size:10px;fill:#9aa0aa}</style>\n")
	fmt.Fprintf(&out, `<rect width="%d" height="%d" fill="#f6f7f9"/>`+"\n", width, y+10)
	out.Write(d.body.Bytes())
	out.WriteString("</svg>\n")
	return out.Bytes()
}

func escaped(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return ""
	}
	return b.String()
}
