// Command thehive lists the new cases of a TheHive and does nothing else.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/sallyport-soc/sallyport/thehive"
)

func main() {
	hive, err := thehive.New(thehive.Config{BaseURL: os.Args[1], APIKey: os.Args[2]})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for c, err := range hive.Cases(context.Background(), thehive.ListCasesInput{Status: "New"}) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(c.Number, c.Title)
	}
}
