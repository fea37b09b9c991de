package attack

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
)

// head is the length of a table's magic and checksum.
const head = len("ATT&CK facts 1\n") + 4

// FuzzTable changes a table, gives it the checksum it then should have, and uses what comes out. Whatever decodes must be
// usable.
func FuzzTable(f *testing.F) {
	small := facts.Encode(&facts.Set{
		Versions: [3]string{"18.1"},
		Objects: []facts.Object{
			{Kind: facts.Matrix, Domains: facts.Enterprise, RevokedBy: facts.None, ID: "m", Refs: []int32{1}},
			{Kind: facts.Tactic, Domains: facts.Enterprise, RevokedBy: facts.None, ID: "TA0001", ShortName: "x"},
			{Kind: facts.Technique, Domains: facts.Enterprise, RevokedBy: 3, Revoked: true, ID: "T1000", Refs: []int32{1}},
			{Kind: facts.Technique, Domains: facts.All, RevokedBy: facts.None, ID: "T1001", Platforms: []string{"Linux"}},
			{Kind: facts.Group, Domains: facts.Enterprise, RevokedBy: facts.None, ID: "G1", Aliases: []string{"g"}},
			{Kind: facts.Campaign, Domains: facts.Enterprise, RevokedBy: facts.None, ID: "C1", First: "2020-01-01"},
			{Kind: facts.Strategy, Domains: facts.Enterprise, RevokedBy: facts.None, ID: "DET1", Refs: []int32{7}},
			{Kind: facts.Analytic, Domains: facts.Enterprise, RevokedBy: facts.None, ID: "AN1",
				Logs: []facts.Log{{Component: 8, Name: "l", Channel: "c"}}},
			{Kind: facts.Component, Domains: facts.Enterprise, RevokedBy: facts.None, ID: "DC1"},
		},
		Relations: []facts.Relation{
			{Verb: facts.CampaignUses, Domains: facts.Enterprise, Source: 5, Target: 3},
			{Verb: facts.AttributedTo, Domains: facts.Enterprise, Source: 5, Target: 4},
			{Verb: facts.StrategyDetects, Domains: facts.Enterprise, Source: 6, Target: 3},
		},
	})
	f.Add(small[head:])
	f.Fuzz(func(t *testing.T, body []byte) {
		sealed := binary.LittleEndian.AppendUint32([]byte(table[:head-4]), crc32.ChecksumIEEE(body))
		set, err := facts.Decode(string(append(sealed, body...)))
		if err != nil {
			return
		}
		kb := build(set, facts.Enterprise|facts.ICS, FromTable)
		kb.Stats()
		kb.Tactics()
		sensors, err := kb.Sensors(kb.LogSources()...)
		if err != nil {
			sensors = Sensors{}
		}
		for technique := range kb.Techniques() {
			technique.Coverage(sensors)
			technique.Detection()
			technique.Tactics()
			technique.Subtechniques()
			technique.Groups()
			technique.Assets()
			_, _, _ = kb.Resolve(technique.Name)
		}
		_, _, _ = kb.Resolve("T1000")
		kb.Search("linux", 3)
	})
}

func FuzzIDs(f *testing.F) {
	f.Add("attack.t1059.001, T1110")
	f.Fuzz(func(t *testing.T, text string) {
		for _, id := range IDs(text) {
			if !isTechniqueID(id) || canonical(id) != id {
				t.Errorf("%q gives %q", text, id)
			}
			if again := IDs(id); len(again) != 1 || again[0] != id {
				t.Errorf("%q isn't found in itself: %v", id, again)
			}
		}
		if p := plain(text); len(p) > len(text) {
			t.Errorf("%q becomes %q", text, p)
		}
	})
}
