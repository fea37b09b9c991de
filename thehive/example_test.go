package thehive_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"

	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// lab returns a TheHive in memory. Programs have the address of a real one.
func lab() (url string, stop func()) {
	hive := thehivetest.NewServer()
	hive.SeedIncident()
	s := httptest.NewServer(hive)
	return s.URL, s.Close
}

func Example() {
	url, stop := lab()
	defer stop()
	ctx := context.Background()

	c, err := thehive.New(thehive.Config{BaseURL: url, APIKey: thehivetest.Key})
	if err != nil {
		fmt.Println(err)
		return
	}
	open, err := c.ListCases(ctx, thehive.ListCasesInput{Status: "InProgress", Limit: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, cs := range open.Cases {
		fmt.Printf("#%d %s (%s), 1 of %d\n", cs.Number, cs.Title, cs.Severity, open.Total)
	}
	_, err = c.GetCase(ctx, thehive.GetCaseInput{CaseID: "4711"})
	fmt.Println(errors.Is(err, thehive.ErrNotFound), err)
	// Output:
	// #2 Phishing mail with a fake invoice (HIGH), 1 of 2
	// true thehive: getCase: HTTP 404: NotFoundError: Case not found
}

func ExampleClient_Cases() {
	url, stop := lab()
	defer stop()

	c, err := thehive.New(thehive.Config{BaseURL: url, APIKey: thehivetest.Key})
	if err != nil {
		fmt.Println(err)
		return
	}
	n := 0
	for cs, err := range c.Cases(context.Background(), thehive.ListCasesInput{Limit: 5}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if cs.Stage != thehive.StageClosed {
			n++
		}
	}
	fmt.Println(n, "cases are open")
	// Output: 4 cases are open
}

func ExampleQuery() {
	url, stop := lab()
	defer stop()
	ctx := context.Background()

	c, err := thehive.New(thehive.Config{BaseURL: url, APIKey: thehivetest.Key})
	if err != nil {
		fmt.Println(err)
		return
	}
	tasks := thehive.All(thehive.KindCase).
		Where(thehive.Eq("stage", thehive.StageInProgress)).
		To(thehive.HopTasks).
		Where(thehive.Eq("status", thehive.TaskWaiting))
	n, err := thehive.Count(ctx, c, tasks)
	if err != nil {
		fmt.Println(err)
		return
	}
	first, err := thehive.Fetch[*thehive.Task](ctx, c, tasks.Sort("_createdAt", thehive.Asc).Page(0, 1))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d waits: %s\n", n, first[0].Title)
	// Output: 1 waits: Reset the passwords of those who clicked
}
