// Command coverage tells which techniques of ATT&CK the rules of one's own cover: those
// of Wazuh that don't come with it. It writes a layer for the ATT&CK Navigator and a
// picture of it, and says which ids of the rules ATT&CK doesn't have or has replaced.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/wazuh"
)

func main() {
	layer := flag.String("layer", "coverage.json", "where to write the layer")
	picture := flag.String("picture", "coverage.svg", "where to draw it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *layer, *picture); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, layerFile, pictureFile string) error {
	wz, werr := wazuh.FromEnv(nil)
	kb, kerr := attack.Embedded(attack.Enterprise)
	if err := errors.Join(werr, kerr); err != nil {
		return err
	}
	rules := map[string][]string{} // of each technique
	total := 0
	for r, err := range wz.Rules(ctx, wazuh.ListRulesInput{}) {
		if err != nil {
			return err
		}
		if strings.HasPrefix(r.Dirname, "ruleset") { // it comes with Wazuh
			continue
		}
		total++
		for _, id := range r.MITRE {
			t, from, err := kb.Resolve(id)
			switch {
			case err != nil:
				fmt.Fprintf(out, "rule %d names %s, which ATT&CK %s doesn't have\n", r.ID, id, kb.Version(attack.Enterprise))
				continue
			case from != "":
				fmt.Fprintf(out, "rule %d names %s, which is %s now\n", r.ID, from, t.ID)
			}
			rules[t.ID] = append(rules[t.ID], fmt.Sprintf("%d %s", r.ID, r.Description))
		}
	}
	layer := attack.NewLayer("Own rules", attack.Enterprise, kb.Version(attack.Enterprise))
	for t := range kb.Techniques() {
		if list := rules[t.ID]; list != nil {
			layer.Techniques = append(layer.Techniques, attack.LayerTechnique{TechniqueID: t.ID, Score: connect.Ptr(float64(len(list))), Comment: strings.Join(list, "\n")})
		}
	}
	fmt.Fprintf(out, "%d rules of one's own name %d techniques\n", total, len(rules))
	svg, err := kb.SVG(layer)
	if err != nil {
		return err
	}
	f, err := os.Create(layerFile)
	if err != nil {
		return err
	}
	return errors.Join(layer.Write(f), f.Close(), os.WriteFile(pictureFile, svg, 0o644))
}
