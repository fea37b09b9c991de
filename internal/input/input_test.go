package input_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/internal/input"
)

type colour string

func (colour) Enum() []any { return []any{"red", "green"} }

type page struct {
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"100" default:"10"`
}

type part struct {
	Name string `json:"name" minLength:"1" maxLength:"5"`
}

type order struct {
	page
	Query  string   `json:"query" minLength:"2"`
	Colour colour   `json:"colour,omitempty"`
	Tags   []string `json:"tags,omitempty" maxItems:"2" maxLength:"3"`
	Parts  []part   `json:"parts,omitempty"`
	Level  *int     `json:"level,omitempty" minimum:"1" maximum:"4"`
	Sort   string   `json:"sort,omitempty" default:"name" pattern:"^[a-z]+$"`
	From   int      `json:"from,omitempty"`
	To     int      `json:"to,omitempty"`
}

var errShop = errors.New("shop: invalid request")

func (o *order) SetDefaults() {
	if o.To == 0 {
		o.To = o.From + 1
	}
}

func (o *order) Validate() error {
	if o.To <= o.From {
		return errors.New("to: want more than from")
	}
	return nil
}

func TestWhatIsLeftAtZeroIsFilled(t *testing.T) {
	t.Parallel()
	o := order{Query: "abc", From: 3}
	if err := input.Prepare(t.Context(), &o, errShop); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(order{page: page{Limit: 10}, Query: "abc", Sort: "name", From: 3, To: 4}, o, cmp.AllowUnexported(order{})); diff != "" {
		t.Error(diff)
	}
}

func TestEachFaultIsNamedWithItsFieldAndWhatIsAllowed(t *testing.T) {
	t.Parallel()
	zero := 0
	for want, change := range map[string]func(*order){
		"limit: want at most 100, got 101":               func(o *order) { o.Limit = 101 },
		"limit: want at least 1, got -1":                 func(o *order) { o.Limit = -1 },
		"query: is missing":                              func(o *order) { o.Query = "" },
		"query: want at least 2 characters, got 1":       func(o *order) { o.Query = "é" },
		`colour: want one of red, green, got "blue"`:     func(o *order) { o.Colour = "blue" },
		"tags: want at most 2, got 3":                    func(o *order) { o.Tags = []string{"a", "b", "c"} },
		"tags[1]: want at most 3 characters, got 4":      func(o *order) { o.Tags = []string{"a", "abcd"} },
		"parts[0].name: is missing":                      func(o *order) { o.Parts = []part{{}} },
		"parts[1].name: want at most 5 characters":       func(o *order) { o.Parts = []part{{"a"}, {"abcdef"}} },
		"level: want at least 1, got 0":                  func(o *order) { o.Level = &zero },
		`sort: want what matches ^[a-z]+$, got "A"`:      func(o *order) { o.Sort = "A" },
		"to: want more than from":                        func(o *order) { o.From, o.To = 5, 2 },
		"query: is missing; tags: want at most 2, got 3": func(o *order) { o.Query, o.Tags = "", make([]string, 3) },
		`got "` + strings.Repeat("x", 80) + "…":          func(o *order) { o.Colour = colour(strings.Repeat("x", 9000)) },
	} {
		o := order{Query: "abc"}
		change(&o)
		err := input.Prepare(t.Context(), &o, errShop)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
			continue
		}
		if e := new(input.Error); !errors.As(err, &e) || !errors.Is(err, input.ErrInvalid) {
			t.Errorf("%v is no invalid input", err)
		}
		if strings.HasPrefix(err.Error(), errShop.Error()) != errors.Is(err, errShop) {
			t.Errorf("%v: the kind is said and not meant", err)
		}
	}
}

func BenchmarkPrepare(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		o := order{Query: "abc", Tags: []string{"a"}}
		if err := input.Prepare(b.Context(), &o, errShop); err != nil {
			b.Fatal(err)
		}
	}
}
