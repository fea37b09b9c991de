package misptest_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// In a test, misptest.New(t) does all of this and ends with the test.
func Example() {
	server := misptest.NewServer()
	id := server.AddEvent(misptest.Event{Info: "Phishing against the staff"})
	s := httptest.NewServer(server)
	defer s.Close()
	c, err := misp.New(misp.Config{BaseURL: s.URL, APIKey: misptest.Key})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.AddAttribute(context.Background(), misp.AddAttributeInput{EventID: misp.EventRef(id), Type: "domain", Value: "login.example.net"})
	fmt.Println(server.Values(id), server.Published(id), err)
	// Output: [domain login.example.net] false <nil>
}
