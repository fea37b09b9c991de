// Command bare asks a server for one page with net/http alone.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

func main() {
	res, err := http.Get(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer res.Body.Close()
	var page any
	fmt.Println(json.NewDecoder(res.Body).Decode(&page), page)
}
