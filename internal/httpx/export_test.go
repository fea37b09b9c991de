package httpx

import (
	"net/http"
	"time"
)

// Backoff returns how long is waited after the answer to a try, counted from 0.
func Backoff(try int, most time.Duration, res *http.Response) time.Duration {
	return backoff(most, try, res)
}

// Cut cuts secrets out of the body of an answer to a read.
func Cut(body []byte, secrets ...string) []byte {
	c := &Client{o: Options{Secrets: secrets}}
	res := &Response{Body: body}
	c.credentials("").cut(res)
	return res.Body
}
