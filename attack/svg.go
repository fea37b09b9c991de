package attack

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// maxLayer is the most that [ReadLayer] reads, in bytes.
const maxLayer = 32 << 20

// ReadLayer reads a layer of format 4.5, from the Navigator or elsewhere, and validates it. Fields that the format doesn't
// have are ignored.
func ReadLayer(r io.Reader) (*Layer, error) {
	limited := &io.LimitedReader{R: r, N: maxLayer + 1}
	dec := json.NewDecoder(limited)
	var l Layer
	err := dec.Decode(&l)
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
	if l.Layout.Layout == "" {
		l.Layout.Layout = "side"
	}
	if l.Layout.AggregateFunction == "" {
		l.Layout.AggregateFunction = "average"
	}
	return &l, l.Validate()
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

// MergeLayers joins layers of one domain into a new one of the given name. The score of a technique is the sum of its
// scores; comments are joined; the colour is that of the first layer that has one, unless another layer has another: then
// there is none, and the score decides. A technique is disabled if every layer that has it disables it.
func MergeLayers(name string, layers ...*Layer) (*Layer, error) {
	if len(layers) == 0 {
		return nil, invalid("no layers to merge")
	}
	out := NewLayer(name, "", "")
	out.Domain, out.Versions.ATTACK = layers[0].Domain, layers[0].Versions.ATTACK
	var names []string
	at := map[[2]string]int{}
	clash := map[int]bool{}
	highest := 0
	for _, l := range layers {
		if err := l.Validate(); err != nil {
			return nil, err
		}
		if l.Domain != out.Domain || l.Versions.ATTACK != out.Versions.ATTACK {
			return nil, invalid("layer %q is of %s %s, and %q of %s %s", clip(l.Name, 80), l.Domain, l.Versions.ATTACK,
				clip(layers[0].Name, 80), out.Domain, out.Versions.ATTACK)
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
	svgLetter = 5.6 // of the text in rows, on average
)

// SVG draws a layer as the Navigator would lay it out: a column for each tactic of the matrix, the techniques below it, and
// those sub-techniques that the layer has. It is for looking at; the layer's JSON is what the Navigator opens. Techniques
// that this knowledge base doesn't have are an error, which is [ErrNotFound].
func (k *KB) SVG(l *Layer) ([]byte, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	m, ok := k.Matrix(Domain(strings.TrimSuffix(l.Domain, "-attack")))
	if !ok {
		return nil, invalid("layer is of %s, which isn't loaded", l.Domain)
	}
	entries := map[[2]string]*LayerTechnique{}
	var unknown []string
	for i := range l.Techniques {
		t := &l.Techniques[i]
		if _, ok := k.Technique(t.TechniqueID); !ok {
			unknown = append(unknown, t.TechniqueID)
		}
		entries[[2]string{t.TechniqueID, t.Tactic}] = t
	}
	if unknown != nil {
		return nil, &NotFoundError{Kind: "technique", Keys: unknown, Domains: k.Domains()}
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
	return d.page(len(tactics)), nil
}

// drawing collects the parts of an SVG.
type drawing struct {
	layer  *Layer
	body   bytes.Buffer
	bottom int
}

func (d *drawing) column(i int, ta *Tactic, entry func(*Technique) *LayerTechnique) {
	x, y := svgGap+i*(svgColumn+svgGap), svgTop
	d.rect(x, y, svgColumn, svgHead-4, "#3b4252", "", "")
	d.text(x+6, y+19, ta.Name, "h", svgColumn-12, 6.6)
	y += svgHead
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
		fill, tip := "#ffffff", t.ID+" "+t.Name
		class := "t"
		if e != nil {
			fill = d.fill(e)
			if e.Score != nil {
				tip += ", score " + strconv.Itoa(*e.Score)
			}
			if e.Comment != "" {
				tip += ": " + e.Comment
			}
			if e.Enabled != nil && !*e.Enabled {
				fill, class = "#eeeeee", "off"
			}
		}
		label := t.Name
		if d.layer.Layout.ShowID {
			label = t.ID + " " + t.Name
		}
		d.rect(x+indent, y, svgColumn-indent, svgRow-2, fill, "#c8ccd4", tip)
		d.text(x+indent+4, y+11, label, class, svgColumn-indent-8, svgLetter)
		y += svgRow
	}
	d.bottom = max(d.bottom, y)
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
		return e.Color
	case e.Score == nil || g == nil:
		return "#ffffff"
	}
	at := float64(*e.Score-g.MinValue) / float64(g.MaxValue-g.MinValue)
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

// text writes a line that is cut to a width, letters being so wide on average.
func (d *drawing) text(x, y int, s, class string, width int, letter float64) {
	if most := int(float64(width) / letter); len([]rune(s)) > most {
		s = string([]rune(s)[:max(0, most-1)]) + "…"
	}
	fmt.Fprintf(&d.body, `<text x="%d" y="%d" class="%s">%s</text>`+"\n", x, y, class, escaped(s))
}

// page puts title and legend around the columns.
func (d *drawing) page(columns int) []byte {
	width := max(svgGap+columns*(svgColumn+svgGap), 480)
	d.text(svgGap, 24, d.layer.Name, "title", width-2*svgGap, 10)
	about := d.layer.Domain
	if v := d.layer.Versions.ATTACK; v != "" {
		about += ", ATT&CK " + v
	}
	if d.layer.Description != "" {
		about += ". " + d.layer.Description
	}
	d.text(svgGap, 44, about, "t", width-2*svgGap, svgLetter)
	y := d.bottom + 14
	legend := d.layer.LegendItems
	if g := d.layer.Gradient; g != nil && len(legend) == 0 {
		legend = []LegendItem{
			{"score " + strconv.Itoa(g.MinValue), g.Colors[0][:7]}, {"score " + strconv.Itoa(g.MaxValue), g.Colors[len(g.Colors)-1][:7]},
		}
	}
	for _, item := range legend {
		d.rect(svgGap, y, svgRow-3, svgRow-3, item.Color, "#c8ccd4", "")
		d.text(svgGap+22, y+11, item.Label, "t", width-40, svgLetter)
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
