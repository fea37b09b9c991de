package attack

import (
	"context"
	"os"
	"testing"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
)

// BenchmarkEmbedded opens the embedded facts: decode and index.
func BenchmarkEmbedded(b *testing.B) {
	for name, set := range map[string]facts.Domains{"enterprise": facts.Enterprise, "all": facts.All} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				decoded, err := facts.Decode(table)
				if err != nil {
					b.Fatal(err)
				}
				build(decoded, set, FromTable)
			}
			b.ReportMetric(float64(len(table)), "table-bytes")
		})
	}
}

// BenchmarkLoadBundle reads the STIX bundle of Enterprise.
func BenchmarkLoadBundle(b *testing.B) {
	const dir = "../../shared/data/attack"
	if _, err := os.Stat(dir); err != nil {
		b.Skip("MITRE's STIX bundles aren't on this machine")
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(context.Background(), dir, Enterprise); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTechnique looks techniques up, and what relates to them.
func BenchmarkTechnique(b *testing.B) {
	kb, err := Embedded()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("id", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			kb.Technique("T1059.001")
		}
	})
	b.Run("lower-case", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			kb.Technique("t1059.001")
		}
	})
	b.Run("redirected", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := kb.Resolve("T1086"); err != nil {
				b.Fatal(err)
			}
		}
	})
	t, _ := kb.Technique("T1059.001")
	b.Run("groups", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			t.Groups()
		}
	})
	b.Run("detection", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			t.Detection()
		}
	})
	c := &Client{config: Config{Domains: []Domain{Enterprise}}, turn: make(chan struct{}, 1)}
	b.Run("operation", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.GetTechnique(context.Background(), GetTechniqueInput{TechniqueID: "T1059.001"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("search", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			kb.Search("PowerShell encoded command execution", 10)
		}
	})
}

// BenchmarkLayer makes the largest layers.
func BenchmarkLayer(b *testing.B) {
	c := &Client{config: Config{Domains: []Domain{Enterprise}}, turn: make(chan struct{}, 1)}
	for _, in := range []NavigatorLayerInput{
		{Mode: LayerCoverage, DataSources: []string{"Process", "File", "Network Traffic", "Command"}},
		{Mode: LayerGroup, GroupID: "APT29"},
		{Mode: LayerDiff, CompareGroupIDs: []string{"APT28", "APT29"}},
	} {
		b.Run(string(in.Mode), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.NavigatorLayer(context.Background(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
