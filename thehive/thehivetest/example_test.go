package thehivetest_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// In a test, thehivetest.New(t) does all of this and ends with the test.
func Example() {
	server := thehivetest.NewServer()
	id := server.Add("Case", "", thehivetest.Object{"title": "Phishing", "severity": 3})
	s := httptest.NewServer(server)
	defer s.Close()
	c, err := thehive.New(thehive.Config{BaseURL: s.URL, APIKey: thehivetest.Key})
	if err != nil {
		fmt.Println(err)
		return
	}
	cs, err := c.GetCase(context.Background(), thehive.GetCaseInput{CaseID: id})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cs.Title, cs.Severity)

	server.FailNext(503, "ServiceUnavailable", "the index is being rebuilt")
	_, err = c.CreateComment(context.Background(), thehive.CreateCommentInput{CaseID: id, Message: "seen"})
	fmt.Println(err)
	// Output:
	// Phishing HIGH
	// thehive: createComment: HTTP 503: ServiceUnavailable: the index is being rebuilt; outcome unknown: the request may have taken effect
}
