package cortex_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
)

func ExampleClient_AnalyzeObservable() {
	server := httptest.NewServer(cortextest.NewServer())
	defer server.Close()
	c, err := cortex.New(cortex.Config{BaseURL: server.URL, APIKey: cortextest.Key})
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := c.AnalyzeObservable(context.Background(), cortex.AnalyzeObservableInput{
		Data: "198.51.100.23", Analyzers: []string{"AbuseIPDB", "MaxMind"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(a.Observable.DataType, "is", a.Verdict.Level)
	for _, r := range a.Results {
		for _, t := range r.Taxonomies {
			fmt.Println(r.Analyzer, t)
		}
	}

	_, err = c.AnalyzeObservable(context.Background(), cortex.AnalyzeObservableInput{
		Data: "10.20.0.7", Analyzers: []string{"AbuseIPDB"},
	})
	fmt.Println(errors.Is(err, cortex.ErrEgress), err)
	// Output:
	// ip is malicious
	// AbuseIPDB_1_0 [malicious] AbuseIPDB:Abuse confidence score = 100
	// AbuseIPDB_1_0 [info] AbuseIPDB:Reports = 300
	// MaxMind_GeoIP_4_0 [info] MaxMind:Location = Netherlands/Europe
	// true cortex: the ip is not sent to a third party (AbuseIPDB_1_0): an internal address; use an analyzer that the operator lists in CORTEX_LOCAL_ANALYZERS because it shows data to nobody outside
}

func ExampleDetect() {
	for _, s := range []string{"hxxps://example[.]com/a", "mail.example.com", "invoice.zip"} {
		o, err := cortex.Detect(s)
		fmt.Println(o.DataType, o.Data, err)
	}
	// Output:
	// url https://example.com/a <nil>
	// fqdn mail.example.com <nil>
	//   cortex: invalid request: "invoice.zip" can be a file name or a domain; give dataType
}
