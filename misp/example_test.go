package misp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"

	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// lab returns a MISP in memory. Programs have the address of a real one.
func lab() (url string, stop func()) {
	server := misptest.NewServer()
	server.SeedIncident()
	s := httptest.NewServer(server)
	return s.URL, s.Close
}

// Who else has seen an address?
func ExampleClient_Correlate() {
	url, stop := lab()
	defer stop()
	c, err := misp.New(misp.Config{BaseURL: url, APIKey: misptest.Key})
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := c.Correlate(context.Background(), misp.CorrelateInput{Value: "198.51.100.23"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range found.Events {
		fmt.Println(e.Event.Info)
	}
	// Output:
	// SSH password guessing against logistics companies
	// Scanning of port 22 from the documentation range
}

// An iterator asks for one page after the other, and only as far as it is read.
func ExampleClient_Attributes() {
	url, stop := lab()
	defer stop()
	c, err := misp.New(misp.Config{BaseURL: url, APIKey: misptest.Key})
	if err != nil {
		fmt.Println(err)
		return
	}
	for a, err := range c.Attributes(context.Background(), misp.SearchAttributesInput{EventID: misptest.BruteForceEvent, Type: "ip-src"}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(a.Category, a.Value)
	}

	// What MISP would answer with everything is refused before it is sent.
	_, err = c.SearchAttributes(context.Background(), misp.SearchAttributesInput{})
	fmt.Println(errors.Is(err, misp.ErrInvalid))
	// Output:
	// Network activity 203.0.113.77
	// Network activity 198.51.100.23
	// true
}
