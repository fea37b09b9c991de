package cortextest_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
)

// In a test, cortextest.New(t) does all of this and ends with the test.
func Example() {
	server := cortextest.NewServer()
	s := httptest.NewServer(server)
	defer s.Close()
	c, err := cortex.New(cortex.Config{BaseURL: s.URL, APIKey: cortextest.Key})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.AnalyzeObservable(context.Background(), cortex.AnalyzeObservableInput{Data: "198.51.100.23", Analyzers: []string{"MaxMind_GeoIP_4_0"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, j := range server.Submissions() {
		fmt.Println(j.Worker, j.DataType, j.Data)
	}
	// Output: MaxMind_GeoIP_4_0 ip 198.51.100.23
}
