package attack_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport-soc/sallyport/attack"
)

func ExampleEmbedded() {
	kb, err := attack.Embedded(attack.Enterprise)
	if err != nil {
		fmt.Println(err)
		return
	}
	apt29, _, err := kb.ResolveGroup("Nobelium")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(apt29.ID, apt29.Name, len(apt29.Techniques()), "techniques in ATT&CK", kb.Version(attack.Enterprise))
	// Output: G0016 APT29 119 techniques in ATT&CK 18.1
}

func ExampleKB_Resolve() {
	kb, err := attack.Embedded()
	if err != nil {
		fmt.Println(err)
		return
	}
	technique, from, err := kb.Resolve("t1086")
	fmt.Println(technique.ID, technique.Name, "from", from, err)

	_, _, err = kb.Resolve("PowerShel")
	fmt.Println(err, errors.Is(err, attack.ErrNotFound))
	// Output:
	// T1059.001 PowerShell from T1086 <nil>
	// attack: no technique "PowerShel" (nearest: PowerShell) true
}

func ExampleTechnique_Detection() {
	kb, err := attack.Embedded(attack.Enterprise)
	if err != nil {
		fmt.Println(err)
		return
	}
	technique, _ := kb.Technique("T1003.001")
	for _, c := range technique.Detection().Components {
		fmt.Println(c.ID, c.Name)
	}
	// Output:
	// DC0013 User Account Metadata
	// DC0032 Process Creation
	// DC0035 Process Access
	// DC0039 File Creation
	// DC0063 Windows Registry Key Modification
}

func ExampleKB_Sensors() {
	kb, err := attack.Embedded(attack.Enterprise)
	if err != nil {
		fmt.Println(err)
		return
	}
	sensors, err := kb.Sensors("Process", "DC0029", "WinEventLog:Security") // old names, ids and log sources
	if err != nil {
		fmt.Println(err)
		return
	}
	technique, _ := kb.Technique("T1059.001")
	fmt.Println(technique.Name, technique.Coverage(sensors))
	// Output: PowerShell partial
}

func ExampleKB_Search() {
	kb, err := attack.Embedded(attack.Enterprise)
	if err != nil {
		fmt.Println(err)
		return
	}
	hits, _ := kb.Search("PowerShell encoded command execution", 2)
	for _, h := range hits {
		fmt.Println(h.Technique.ID, h.Technique.Name, h.Words)
	}
	// Output:
	// T1059.001 PowerShell [powershell command execution]
	// T1546.013 PowerShell Profile [powershell execution]
}

// A list as an agent reads it: a page, and how many there are.
func ExampleClient_ListGroups() {
	c, err := attack.New(attack.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := c.ListGroups(context.Background(), attack.ListGroupsInput{Paging: attack.Paging{Limit: 2}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, g := range page.Items {
		fmt.Println(g.ID, g.Name)
	}
	fmt.Println("of", page.Total)
	// Output:
	// G0001 Axiom
	// G0002 Moafee
	// of 172
}

// All that is in force, in the order of its ids.
func ExampleKB_Techniques() {
	kb, err := attack.Embedded(attack.Enterprise)
	if err != nil {
		fmt.Println(err)
		return
	}
	onLinux := 0
	for t := range kb.Techniques() {
		if slices.Contains(t.Platforms, "Linux") {
			onLinux++
		}
	}
	fmt.Println(onLinux, "techniques are used on Linux")
	// Output: 354 techniques are used on Linux
}

func ExampleIDs() {
	fmt.Println(attack.IDs(`attack.t1059.001, mitre:T1110 and "Brute Force - T1110"`))
	// Output: [T1059.001 T1110]
}

func ExampleClient_NavigatorLayer() {
	c, err := attack.New(attack.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	layer, err := c.NavigatorLayer(context.Background(), attack.NavigatorLayerInput{
		Mode: attack.LayerDiff, CompareGroupIDs: []string{"APT28", "APT29"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(layer.Name, layer.Domain, layer.Versions.ATTACK, layer.Validate())
	for _, item := range layer.LegendItems {
		fmt.Println(item.Color, item.Label)
	}
	// Output:
	// APT28 and APT29 enterprise-attack 18 <nil>
	// #ff6666 only APT28
	// #6666ff only APT29
	// #ff66ff both
}

// What went wrong: what isn't there, a name of several, or a question that makes no sense.
func ExampleNotFoundError() {
	c, err := attack.New(attack.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	_, unknown := c.GetTechnique(ctx, attack.GetTechniqueInput{TechniqueID: "T9999"})
	_, empty := c.GetTechnique(ctx, attack.GetTechniqueInput{})
	for _, err := range []error{unknown, empty} {
		var missing *attack.NotFoundError
		switch {
		case errors.As(err, &missing):
			fmt.Println("no", missing.Kind, missing.Keys)
		case errors.Is(err, attack.ErrAmbiguous):
			fmt.Println("which one?")
		case errors.Is(err, attack.ErrInvalid):
			fmt.Println("ask otherwise")
		}
	}
	// Output:
	// no technique [T9999]
	// ask otherwise
}
