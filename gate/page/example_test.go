package page_test

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/page"
)

// A page of one's own, without a signer: it shows, denies and freezes, and
// approves nothing.
func Example() {
	dir, err := os.MkdirTemp("", "page-example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	journal, err := gate.OpenJournal(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer journal.Close()

	l, err := page.Listen("127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	p, err := page.New(page.Config{Journal: journal, Host: l.Addr().String(), Name: "watch"})
	if err != nil {
		log.Fatal(err)
	}
	server := p.Server()
	defer server.Close()
	go server.Serve(l)

	link := p.Invite() // opens a session once; show it to the approver and to nobody else
	res, err := http.Get(link)
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	fmt.Println(res.StatusCode, res.Header.Get("X-Frame-Options"))
	// Output: 200 DENY
}
