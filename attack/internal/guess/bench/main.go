// Command bench tells how often package guess is right.
//
//	go run ./attack/internal/guess/bench -stix enterprise-attack.json.gz -sigma titles.json.gz -rules repositories
//
// It trains anew without the rules that it guesses at: part of Sigma's, and all of part of Wazuh's files, in turn. With
// -together=false and 20 parts it tells what to expect of rules that are drawn at random from all that there are. With
// -table it doesn't train, and puts the embedded table to the rules: to rules of Sigma that it hasn't seen, if the file is
// of those. With -write it then trains on all and writes the table, with how often guesses on what was left out were right.
// Without inputs it leaves the table as it is: few machines have them. See package learn for what they are.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/sallyport-soc/sallyport/attack/internal/guess"
	"github.com/sallyport-soc/sallyport/attack/internal/guess/learn"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	var in learn.Inputs
	o := learn.Defaults
	flag.StringVar(&in.STIX, "stix", "", "bundle of Enterprise ATT&CK")
	flag.StringVar(&in.Sigma, "sigma", "", "titles, descriptions and techniques of Sigma rules")
	flag.StringVar(&in.Rules, "rules", "", "folder with repositories of rules")
	folds := flag.Int("folds", 5, "how many parts to leave out in turn")
	turns := flag.Int("turns", 5, "how many of the parts to leave out")
	together := flag.Bool("together", true, "keep rules of Sigma that say nearly the same in one part")
	embedded := flag.Bool("table", false, "put the embedded table to the rules, without training")
	out := flag.String("write", "", "train on all, and write the table there")
	flag.Float64Var(&o.Ridge, "ridge", o.Ridge, "how much large weights cost")
	flag.Float64Var(&o.Mean, "mean", o.Mean, "how much the mean of a technique's texts counts")
	flag.Float64Var(&o.Bayes, "bayes", o.Bayes, "how much naive Bayes counts")
	flag.IntVar(&o.Keep, "keep", o.Keep, "how many weights stay")
	flag.Parse()
	if in.STIX == "" {
		fmt.Fprintln(os.Stderr, "bench: no texts are given, nothing to do")
		return nil
	}
	examples, labels, err := learn.Texts(context.Background(), in)
	if err != nil {
		return err
	}
	fmt.Println(len(examples), "texts:", learn.BySource(examples))
	if *embedded {
		begin := time.Now()
		for _, r := range learn.Test(guess.Embedded(), examples) {
			fmt.Println(r)
			fmt.Print(learn.ByScore(r.FirstGuesses))
		}
		fmt.Println(time.Since(begin)/time.Duration(len(examples)), "a text")
		return nil
	}
	var guesses []learn.Guess
	for _, r := range learn.Evaluate(examples, labels, o, *folds, *turns, *together) {
		fmt.Println(r)
		fmt.Print(learn.ByScore(r.FirstGuesses))
		guesses = append(guesses, r.Guesses...)
	}
	if *out == "" {
		return nil
	}
	learned := learn.Train(examples, labels, o)
	learned.Points = learn.Calibrate(guesses)
	table := learned.Encode()
	fmt.Println(len(table), "bytes")
	return os.WriteFile(*out, table, 0o644)
}
