package guess_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/attack/internal/guess"
)

func small() []byte {
	words := []guess.Word{}
	for h := range guess.Read(guess.Text{Title: "shadow copies"}) {
		words = append(words, guess.Word{Hash: h, Rarity: 3, Weights: []guess.Weight{{Label: 0, Value: 0.9}, {Label: 1, Value: -0.3}}})
	}
	for h := range guess.Read(guess.Text{Title: "login"}) {
		words = append(words, guess.Word{Hash: h, Rarity: 2, Weights: []guess.Weight{{Label: 1, Value: 0.5}}})
	}
	return guess.Learned{
		Labels: []string{"T1", "T2"}, Biases: []float64{0, 0.001}, Words: words,
		Points: []guess.Point{{Score: 0.2, Right: 0.1}, {Score: 0.8, Right: 0.9}},
	}.Encode()
}

func TestWordsSpeakForLabels(t *testing.T) {
	t.Parallel()
	m, err := guess.Decode(string(small()))
	if err != nil {
		t.Fatal(err)
	}
	ranked := m.Rank(guess.Text{Title: "Shadow copies deleted", Body: "zaqq"}, 5)
	if len(ranked) != 1 || ranked[0].ID != "T1" || ranked[0].Right < 0.85 || !slices.Contains(ranked[0].Words, "Shadow") {
		t.Errorf("ranked %+v, want T1 by Shadow", ranked)
	}
	if ranked := m.Rank(guess.Text{Title: "zaqq"}, 5); len(ranked) != 0 {
		t.Errorf("unknown words give %+v", ranked)
	}
}

func TestCompoundsAreOneWordOrTwo(t *testing.T) {
	t.Parallel()
	one, two := guess.Read(guess.Text{Title: "webshell"}), guess.Read(guess.Text{Title: "web shell"})
	for h := range one {
		if two[h] == 0 {
			t.Error("web shell isn't webshell")
		}
	}
}

func TestGroupsLoseStandards(t *testing.T) {
	t.Parallel()
	if got := guess.Groups([]string{"windows_application", "pci_dss_10.2.4", "GDPR_IV_35.7.d", " sshd"}); got != "windows application sshd" {
		t.Errorf("groups are %q", got)
	}
}

func TestSplitFindsTheTitle(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]guess.Text{
		"One. Two. Three": {Title: "One", Body: "Two. Three"}, "One\nTwo. Three": {Title: "One", Body: "Two. Three"}, " One ": {Title: "One"}, "": {},
	} {
		if diff := cmp.Diff(want, guess.Split(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestEmbeddedTableIsWholeAndSmall(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("guess.bin")
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if zipped.Len() > 900_000 {
		t.Errorf("the table has %d bytes compressed, at most 900000 may be embedded", zipped.Len())
	}
	if n := len(guess.Embedded().Labels()); n < 600 {
		t.Errorf("the table knows %d techniques", n)
	}
}

func TestDamagedTableIsRefused(t *testing.T) {
	t.Parallel()
	table := string(small())
	for _, damaged := range []string{"", table[:10], table[:len(table)-1], table + "x"} {
		if _, err := guess.Decode(damaged); err == nil {
			t.Errorf("%.20q is read", damaged)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(string(small()), "shadow copies")
	f.Fuzz(func(_ *testing.T, table, text string) {
		if m, err := guess.Decode(table); err == nil {
			m.Rank(guess.Split(text), 10)
		}
	})
}

func BenchmarkRank(b *testing.B) {
	text := guess.Split("Suspicious scheduled task. Detects schtasks.exe started by winword.exe or excel.exe with parameters that were seen in droppers to survive reboots on workstations of users")
	for b.Loop() {
		guess.Embedded().Rank(text, 60)
	}
}
