package connect_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

func TestACursorIsGoodForItsWalkAlone(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	first := connect.NewWalk(c.Cases, thehive.ListCasesInput{Limit: 1}, "")
	for range first.Rows(t.Context()) {
		break
	}
	cursor := first.Cursor()
	if cursor == "" || cursor != first.Cursor() || strings.Trim(string(cursor), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		t.Errorf("cursor %q", cursor)
	}
	hive.Requests()
	for name, rows := range map[string]iter.Seq2[*thehive.Case, error]{
		"another filter":      connect.NewWalk(c.Cases, thehive.ListCasesInput{Status: "New"}, cursor).Rows(t.Context()),
		"another list":        connect.NewWalk(c.CasesMatching, thehive.SearchCasesInput{Query: "a"}, cursor).Rows(t.Context()),
		"no cursor":           connect.NewWalk(c.Cases, thehive.ListCasesInput{}, "abc!").Rows(t.Context()),
		"a cursor of nothing": connect.NewWalk(c.Cases, thehive.ListCasesInput{}, connect.Cursor(base64.RawURLEncoding.EncodeToString([]byte("{}")))).Rows(t.Context()),
	} {
		n := 0
		for _, err := range rows {
			if n++; !errors.Is(err, connect.ErrInvalid) || !strings.Contains(err.Error(), "cursor") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d rows", name, n)
		}
	}
	if r := hive.Requests(); r != nil {
		t.Errorf("sent %q", r)
	}
	for _, err := range connect.NewWalk(c.Cases, thehive.ListCasesInput{Limit: 7}, cursor).Rows(t.Context()) {
		if err != nil {
			t.Errorf("with pages of another size: %v", err)
		}
	}
}

func TestAWalkThatFailsStaysWhereItWas(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	for range 5 {
		hive.Add("Case", "", thehivetest.Object{"title": "x", "description": "y", "severity": 2})
	}
	c := hive.Client()
	var all, got []string
	for c, err := range c.Cases(t.Context(), thehive.ListCasesInput{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c.ID)
	}
	w := connect.NewWalk(c.Cases, thehive.ListCasesInput{Limit: 2}, "")
	for failures := 0; ; {
		ctx, cancel := context.WithCancel(t.Context())
		failed := false
		for c, err := range w.Rows(ctx) { // ranging again goes on
			if err != nil {
				failed = true
				failures++
				continue
			}
			if got = append(got, c.ID); len(got) == 1 || len(got) == 4 {
				cancel()
			}
		}
		cancel()
		if !failed {
			if failures != 2 {
				t.Errorf("%d failures", failures)
			}
			break
		}
	}
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("cases (-want +got):\n%s", diff)
	}
	if _, err := first(connect.NewWalk(c.Cases, thehive.ListCasesInput{Limit: -1}, "").Rows(t.Context())); !errors.Is(err, connect.ErrInvalid) || strings.Contains(err.Error(), "cursor") {
		t.Errorf("an input that is refused: %v", err)
	}
}

func TestWhatIsNoListCannotBeWalkedFromACursor(t *testing.T) {
	t.Parallel()
	counting := func(_ context.Context, n int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := range n {
				if !yield(i, nil) {
					return
				}
			}
		}
	}
	for n := range 3 {
		if _, err := first(connect.NewWalk(counting, n, "").Rows(t.Context())); !errors.Is(err, connect.ErrInvalid) {
			t.Errorf("%d: %v", n, err)
		}
	}
}

func first[T any](rows iter.Seq2[T, error]) (T, error) {
	for v, err := range rows {
		return v, err
	}
	var none T
	return none, nil
}

// A program that runs now and then keeps the cursor, and sees each new case once.
func ExampleNewWalk() {
	server := thehivetest.NewServer()
	s := httptest.NewServer(server)
	defer s.Close()
	hive, err := thehive.New(thehive.Config{BaseURL: s.URL, APIKey: thehivetest.Key})
	if err != nil {
		log.Fatal(err)
	}
	var cursor connect.Cursor // kept in a file
	for _, title := range []string{"Phishing", "Brute force"} {
		server.Add("Case", "", thehivetest.Object{"title": title, "description": "d", "severity": 2})
		w := connect.NewWalk(hive.Cases, thehive.ListCasesInput{Status: "New"}, cursor)
		for c, err := range w.Rows(context.Background()) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(c.Title)
		}
		cursor = w.Cursor()
	}
	// Output:
	// Phishing
	// Brute force
}
