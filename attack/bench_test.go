package attack

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
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

// plainBundle is what a program would decode that only wants the text of a bundle.
type plainBundle struct {
	Objects []struct {
		Type, ID, Name, Description string
		Revoked                     bool
		Deprecated                  bool                `json:"x_mitre_deprecated"`
		References                  []map[string]string `json:"external_references"`
		Phases                      []map[string]string `json:"kill_chain_phases"`
		Platforms                   []string            `json:"x_mitre_platforms"`
		Aliases                     []string            `json:"aliases"`
		Relationship                string              `json:"relationship_type"`
		Source                      string              `json:"source_ref"`
		Target                      string              `json:"target_ref"`
	} `json:"objects"`
}

// BenchmarkBundle compares, over the whole Enterprise bundle as plain JSON: decoding with encoding/json into plain structs,
// loading and indexing, and opening the compiled cache.
func BenchmarkBundle(b *testing.B) {
	f, err := os.Open("../../shared/data/attack/enterprise-attack-18.1.json.gz")
	if err != nil {
		b.Skip("MITRE's STIX bundles aren't on this machine")
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "enterprise-attack.json"), text, 0o644); err != nil {
		b.Fatal(err)
	}
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var p plainBundle
			if err := json.Unmarshal(text, &p); err != nil || len(p.Objects) < 20000 {
				b.Fatal(len(p.Objects), err)
			}
		}
	})
	b.Run("load", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Load(context.Background(), dir, Enterprise); err != nil {
				b.Fatal(err)
			}
		}
	})
	if _, err := Open(context.Background(), dir, Enterprise); err != nil {
		b.Fatal(err)
	}
	b.Run("cache", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			kb, err := Open(context.Background(), dir, Enterprise)
			if err != nil || kb.Cache() != "read" {
				b.Fatal(kb.Cache(), err)
			}
		}
		if info, err := os.Stat(filepath.Join(dir, "attack-enterprise.cache")); err == nil {
			b.ReportMetric(float64(info.Size()), "cache-bytes")
		}
	})
}

// BenchmarkQuestions asks what the reference server answers by scanning all relationships.
func BenchmarkQuestions(b *testing.B) {
	c := &Client{config: Config{Domains: []Domain{Enterprise}}, turn: make(chan struct{}, 1)}
	ctx := context.Background()
	observed := []string{"T1566.001", "T1059.001", "T1003.001", "T1021.002", "T1053.005", "T1547.001", "T1071.001", "T1105"}
	for name, ask := range map[string]func() error{
		"overlap-groups": func() error {
			_, err := c.TechniqueOverlap(ctx, TechniqueOverlapInput{GroupIDs: []string{"APT28", "APT29"}})
			return err
		},
		"overlap-techniques": func() error {
			_, err := c.TechniqueOverlap(ctx, TechniqueOverlapInput{Techniques: observed})
			return err
		},
		"path":    func() error { _, err := c.AttackPath(ctx, AttackPathInput{StartTechnique: "T1566.001"}); return err },
		"profile": func() error { _, err := c.CampaignProfile(ctx, CampaignProfileInput{Techniques: observed}); return err },
		"coverage": func() error {
			_, err := c.DetectionCoverage(ctx, DetectionCoverageInput{AvailableDataSources: []string{"Process"}})
			return err
		},
		"map-alert": func() error {
			_, err := c.MapAlertToTechnique(ctx, MapAlertToTechniqueInput{AlertType: "PowerShell encoded command execution"})
			return err
		},
		"search-groups": func() error {
			_, err := c.SearchGroups(ctx, SearchGroupsInput{Query: "bear", Technique: "T1566.001"})
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := ask(); err != nil {
					b.Fatal(err)
				}
			}
		})
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
