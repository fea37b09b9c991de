package mcpadapter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
)

// rows are entries of all sizes, a huge one among small ones.
func allRows() []string {
	var list []string
	for i := range 137 {
		n := 10 + i*37%700
		if i == 40 {
			n = 30_000
		}
		list = append(list, fmt.Sprintf("%03d %s", i, strings.Repeat("x", n)))
	}
	return list
}

type byOffset struct {
	Limit  int `json:"limit,omitempty"`
	Offset int `json:"offset,omitempty"`
}

func (in *byOffset) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = 50
	}
}

type byCursor struct {
	Limit  int    `json:"limit,omitempty"`
	Cursor string `json:"cursor,omitempty"`
}

type byPage struct {
	Limit int `json:"limit,omitempty"`
	Page  int `json:"page,omitempty"`
}

func (in *byPage) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = 50
	}
}

type rowPage struct {
	Rows       []string `json:"rows" untrusted:"true"`
	More       bool     `json:"more"`
	Next       *int     `json:"next,omitempty"`
	NextCursor string   `json:"next_cursor,omitempty"`
	Total      *int     `json:"total,omitempty"`
	Page       int      `json:"page,omitempty"`
	Others     []string `json:"others"`
}

func slice(from, limit int) *rowPage {
	all := allRows()
	from = min(from, len(all))
	to := min(len(all), from+limit)
	p := &rowPage{Rows: all[from:to], More: to < len(all)}
	if p.More {
		p.Next, p.NextCursor = &to, fmt.Sprint("c", to)
	}
	return p
}

// A pager is a page that can be cut without asking again.
type pager struct{ rowPage }

func (p *pager) FirstRows(n int) (page any, next map[string]any) {
	short := *p
	from, _ := strconv.Atoi(p.Rows[0][:3])
	short.Rows, short.More = p.Rows[:n], true
	return &short, map[string]any{"offset": from + n}
}

// A latePage has rows that are read when they are needed.
type latePage struct {
	pager
	rows *paging.Rows[string]
}

func init() { paging.Where(func(p *latePage) *paging.Rows[string] { return p.rows }) }

func (p *latePage) FirstRows(n int) (page any, next map[string]any) {
	short, next := p.pager.FirstRows(n)
	return &latePage{pager: *short.(*pager)}, next
}

// late makes a page late; read is told of each row that is read.
func late(p *rowPage, read func(i int) error) *latePage {
	rows := p.Rows
	sent := make([]json.RawMessage, len(rows))
	for i, r := range rows {
		sent[i], _ = json.Marshal(r)
	}
	l := &latePage{pager: pager{*p}}
	l.rows = paging.NewRows(&l.Rows, sent, func(i int, _ json.RawMessage) (string, error) { return rows[i], read(i) }, nil)
	return l
}

// walk follows a tool's pages to the end, as an agent does, and returns the
// numbers of the rows that it saw.
func walk(t *testing.T, cs *mcp.ClientSession, tool string, args map[string]any) []string {
	t.Helper()
	var seen []string
	for calls := 0; ; calls++ {
		if calls > 300 {
			t.Fatalf("%s: no end", tool)
		}
		var p struct {
			Rows       []string
			More       bool
			Next       *int
			NextCursor string         `json:"next_cursor"`
			Args       map[string]any `json:"_next"`
		}
		res := mcptest.Call(t, cs, tool, args)
		if n := len(mcptest.Text(res)); n > 4096 {
			t.Errorf("%s: %d bytes", tool, n)
		}
		mcptest.Structured(t, res, &p)
		for _, r := range p.Rows {
			seen = append(seen, r[:3])
		}
		args = maps.Clone(args)
		switch {
		case !p.More:
			return seen
		case len(p.Args) > 0:
			maps.Copy(args, p.Args)
		case p.NextCursor != "" && tool == "by_cursor":
			args["cursor"] = p.NextCursor
		case strings.HasPrefix(tool, "by_page") && tool != "by_pager":
			page, _ := args["page"].(float64)
			args["page"] = max(1, page) + 1
		case p.Next != nil:
			args["offset"] = *p.Next
		default:
			args["offset"] = len(seen)
		}
	}
}

func TestWhoFollowsPagesThatWereMadeToFitSeesEveryRowOnce(t *testing.T) {
	asked := map[string]int{} // how often each operation ran
	total := len(allRows())
	ops := []gate.Op{
		gate.Read("by_offset_of_total", func(_ context.Context, in byOffset) (*rowPage, error) {
			in.SetDefaults()
			asked["by_offset_of_total"]++
			p := slice(in.Offset, in.Limit)
			p.Total, p.Others = &total, []string{"one", "two"}
			return p, nil
		}, "By offset, of a total."),
		gate.Read("by_page_of_total", func(_ context.Context, in byPage) (*rowPage, error) {
			in.SetDefaults()
			asked["by_page_of_total"]++
			p := slice((max(1, in.Page)-1)*in.Limit, in.Limit)
			p.Total, p.Next, p.NextCursor, p.Page = &total, nil, "", max(1, in.Page)
			return p, nil
		}, "By page, of a total."),
		gate.Read("by_offset_with_gaps", func(_ context.Context, in byOffset) (*rowPage, error) {
			in.SetDefaults()
			to := min(in.Offset+in.Limit, 2*total)
			p := &rowPage{Rows: []string{}, More: to < 2*total, Next: &to}
			for i := in.Offset; i < to; i++ { // each second one is no row
				if i%2 == 0 {
					p.Rows = append(p.Rows, allRows()[i/2])
				}
			}
			all := 2 * total
			p.Total, p.Others = &all, make([]string, len(p.Rows))
			return p, nil
		}, "By offset, of which some rows are left out."),
		gate.Read("by_offset", func(_ context.Context, in byOffset) (*rowPage, error) {
			in.SetDefaults()
			return slice(in.Offset, in.Limit), nil
		}, "By offset."),
		gate.Read("by_pager", func(_ context.Context, in byOffset) (*pager, error) {
			in.SetDefaults()
			p := slice(in.Offset, in.Limit)
			p.Next = nil
			return &pager{*p}, nil
		}, "By offset, cut at once."),
		gate.Read("by_need", paging.ByNeed(func(_ context.Context, in byOffset) (*latePage, error) {
			in.SetDefaults()
			p := slice(in.Offset, in.Limit)
			p.Next = nil
			return late(p, func(int) error { return nil }), nil
		}), "By offset, read when it is needed."),
		gate.Read("by_cursor", func(_ context.Context, in byCursor) (*rowPage, error) {
			from := 0
			if in.Limit == 0 {
				in.Limit = 50
			}
			_, _ = fmt.Sscanf(in.Cursor, "c%d", &from)
			return slice(from, in.Limit), nil
		}, "By cursor."),
		gate.Read("by_page", func(_ context.Context, in byPage) (*rowPage, error) {
			in.SetDefaults()
			p := slice((max(1, in.Page)-1)*in.Limit, in.Limit)
			p.Next, p.NextCursor = nil, ""
			return p, nil
		}, "By page."),
	}
	calls := 0
	s := mcpadapter.New(mcptest.Guard(t), mcpadapter.Options{MaxResponse: 4096, Trace: func(ctx context.Context, _ string) (context.Context, func(mcpadapter.Call)) {
		calls++
		return ctx, func(mcpadapter.Call) {}
	}})
	if err := s.Add(ops...); err != nil {
		t.Fatal(err)
	}
	cs := mcptest.Dial(t, s, nil, nil)
	for _, op := range ops {
		calls = 0
		for _, limit := range []int{0, 7, 100} {
			args := map[string]any{}
			if limit > 0 {
				args["limit"] = limit
			}
			seen := walk(t, cs, op.Name(), args)
			for i, r := range seen {
				if r != fmt.Sprintf("%03d", i) {
					t.Fatalf("%s, limit %d: row %d is %s", op.Name(), limit, i, r)
				}
			}
			if len(seen) != len(allRows()) {
				t.Errorf("%s, limit %d: %d rows of %d", op.Name(), limit, len(seen), len(allRows()))
			}
		}
		if n := asked[op.Name()]; n != 0 && n != calls {
			t.Errorf("%s ran %d times for %d calls: a page was asked for twice", op.Name(), n, calls)
		}
	}
}

func TestAnAnswerReadsTheRowsItHasRoomForAndKeepsTheOthersAsTheyWereSent(t *testing.T) {
	read := map[int]int{}
	bad := -1
	op := gate.Read("list", paging.ByNeed(func(_ context.Context, in byOffset) (*latePage, error) {
		rows := make([]string, 1000)
		for i := range rows {
			rows[i] = fmt.Sprintf("%03d %s", i, strings.Repeat("y", 50))
		}
		return late(&rowPage{Rows: rows, Others: []string{}}, func(i int) error {
			if read[i]++; i == bad {
				return fmt.Errorf("row %d is no row", i)
			}
			return nil
		}), nil
	}), "List.")
	all := gate.Read("all", paging.ByNeed(func(context.Context, struct{}) (*latePage, error) {
		return late(slice(0, 137), func(int) error { return nil }), nil
	}), "List all: there are no pages to ask for.")
	s := mcpadapter.New(mcptest.Guard(t), mcpadapter.Options{MaxResponse: 4096})
	if err := s.Add(op, all); err != nil {
		t.Fatal(err)
	}
	cs := mcptest.Dial(t, s, nil, nil)
	first := mcptest.Text(mcptest.Call(t, cs, "list", `{"limit":1000}`))
	var a struct {
		Rows      []string
		Truncated []struct {
			Shown, Total int
			How          string
		} `json:"_truncated"`
	}
	if err := json.Unmarshal([]byte(first), &a); err != nil {
		t.Fatal(err)
	}
	if cut := a.Truncated[0]; len(a.Rows) < 40 || cut.Shown != len(a.Rows) || cut.Total != 1000 {
		t.Errorf("%d rows, %+v", len(a.Rows), cut)
	}
	for i, n := range read {
		if n > 1 || i > 2*len(a.Rows) {
			t.Errorf("row %d was read %d times, of %d that are shown", i, n, len(a.Rows))
		}
	}
	if again := mcptest.Text(mcptest.Call(t, cs, "list", `{"limit":1000}`)); again != first {
		t.Errorf("the same is answered otherwise:\n%s\n%s", first, again)
	}
	at := strings.Index(a.Truncated[0].How, "sallyport://")
	uri, _, _ := strings.Cut(a.Truncated[0].How[at:], " ")
	var whole strings.Builder
	for n := 1; ; n++ {
		r, err := cs.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: strings.TrimSuffix(uri, "1") + fmt.Sprint(n)})
		if err != nil {
			t.Fatal(err)
		}
		head, text, _ := strings.Cut(r.Contents[0].Text, "\n")
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "[untrusted ") && !strings.HasPrefix(line, "[end ") {
				whole.WriteString(strings.TrimSuffix(line, "\n"))
			}
		}
		if strings.Contains(head, "last part") {
			if list, err := cs.ListResources(t.Context(), nil); err != nil || len(list.Resources) != min(8, n) {
				t.Errorf("%d parts, of which %d are listed; %v", n, len(list.Resources), err)
			}
			break
		}
	}
	for i := range 1000 {
		if strings.Count(whole.String(), fmt.Sprintf(`"%03d y`, i)) != 1 {
			t.Fatalf("row %d isn't there once", i)
		}
	}
	if text := mcptest.Text(mcptest.Call(t, cs, "all", nil)); !strings.Contains(text, `"total":137`) {
		t.Errorf("of what can't be asked for in pages: %s", text)
	}
	bad = 999
	next := mcptest.Text(mcptest.Call(t, cs, "list", `{"limit":1000,"offset":1}`))
	if !strings.Contains(next, "000 y") {
		t.Errorf("a row that isn't shown is in the way: %s", next)
	}
	bad = 0
	if res := mcptest.Call(t, cs, "list", `{"limit":1000}`); !res.IsError || !strings.Contains(mcptest.Text(res), "row 0 is no row") {
		t.Errorf("a row that is shown can't be read: %s", mcptest.Text(res))
	}
}

type drawing struct {
	Name  string   `json:"name"`
	Parts []string `json:"parts"`
	By    string   `json:"by,omitempty" untrusted:"true"`
}

func (*drawing) Document() (name, mediaType, member string) {
	return "drawing.json", "application/json", ""
}

type exported struct {
	Content string `json:"content" untrusted:"true"`
	More    bool   `json:"more"`
}

func (*exported) Document() (name, mediaType, member string) {
	return "export.csv", "text/csv", "content"
}

type packed struct {
	Archive []byte `json:"archive"`
}

func (*packed) Document() (name, mediaType, member string) {
	return "packed.gz", "application/gzip", "archive"
}

func TestAFileOfBytesIsGivenAsBytes(t *testing.T) {
	bytes := func(_ context.Context, in struct {
		N int `json:"n"`
	}) (*packed, error) {
		return &packed{[]byte(strings.Repeat("\x1f\x8b\x00\xff", in.N))}, nil
	}
	s := mcpadapter.New(mcptest.Guard(t), mcpadapter.Options{MaxResponse: 4096})
	if err := s.Add(gate.Read("pack", bytes, "Pack.")); err != nil {
		t.Fatal(err)
	}
	cs := mcptest.Dial(t, s, nil, nil)
	small := mcptest.Call(t, cs, "pack", `{"n":1}`)
	if mcptest.Text(small) != `{"archive":"H4sA/w=="}` || small.Meta[mcpadapter.MetaDocument] != "archive" || small.Meta[mcpadapter.MetaBase64] != true {
		t.Errorf("%s %v", mcptest.Text(small), small.Meta)
	}
	var large struct {
		File struct {
			Resource string
			Bytes    int
		} `json:"_file"`
	}
	mcptest.Structured(t, mcptest.Call(t, cs, "pack", `{"n":5000}`), &large)
	r, err := cs.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: large.File.Resource})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Contents[0].Blob; len(got) != 20000 || large.File.Bytes != 20000 || string(got[:4]) != "\x1f\x8b\x00\xff" {
		t.Errorf("%d bytes of %d", len(got), large.File.Bytes)
	}
}

func TestAFileIsGivenWhole(t *testing.T) {
	type size struct {
		N  int    `json:"n"`
		By string `json:"by,omitempty"`
	}
	draw := func(_ context.Context, in size) (*drawing, error) {
		d := &drawing{Name: "d", By: in.By}
		for range in.N {
			d.Parts = append(d.Parts, strings.Repeat("p", 20))
		}
		return d, nil
	}
	export := func(_ context.Context, in size) (*exported, error) {
		return &exported{Content: strings.Repeat("a,b\n", in.N), More: true}, nil
	}
	s := mcpadapter.New(mcptest.Guard(t), mcpadapter.Options{MaxResponse: 4096})
	if err := s.Add(gate.Read("draw", draw, "Draw."), gate.Read("export", export, "Export.")); err != nil {
		t.Fatal(err)
	}
	cs := mcptest.Dial(t, s, nil, nil)
	if text := mcptest.Text(mcptest.Call(t, cs, "draw", `{"n":1}`)); text != `{"name":"d","parts":["pppppppppppppppppppp"]}` {
		t.Errorf("a small file isn't as it is: %s", text)
	}
	for _, tt := range []struct {
		tool, args, mediaType, want string
	}{
		{"draw", `{"n":1000}`, "application/json", `"holds":{"parts":1000}`},
		{"draw", `{"n":1,"by":"somebody else"}`, "application/json", `Others wrote in it`},
		{"export", `{"n":5000}`, "text/csv", `"more":true`},
	} {
		res := mcptest.Call(t, cs, tt.tool, tt.args)
		var a struct {
			File struct {
				Resource, Name, How string
				MediaType           string `json:"media_type"`
				Bytes               int
			} `json:"_file"`
			Truncated any `json:"_truncated"`
		}
		mcptest.Structured(t, res, &a)
		if a.Truncated != nil || a.File.MediaType != tt.mediaType || !strings.Contains(mcptest.Text(res), tt.want) || len(mcptest.Text(res)) > 4096 || !strings.Contains(a.File.How, "-o "+a.File.Name) {
			t.Errorf("%s %s: %s", tt.tool, tt.args, mcptest.Text(res))
		}
		r, err := cs.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: a.File.Resource})
		if err != nil {
			t.Fatal(err)
		}
		c := r.Contents[0]
		if c.MIMEType != tt.mediaType || len(c.Text) != a.File.Bytes || strings.Contains(c.Text, "_truncated") || strings.Contains(c.Text, "_untrusted") {
			t.Errorf("%s %s: %s of %d bytes", tt.tool, tt.args, c.MIMEType, len(c.Text))
		}
		if tt.mediaType == "application/json" && !json.Valid([]byte(c.Text)) {
			t.Errorf("%s: not JSON", tt.tool)
		}
		list, err := cs.ListResources(t.Context(), nil)
		if err != nil || len(list.Resources) == 0 {
			t.Errorf("the file isn't listed: %v", err)
		}
	}
}
