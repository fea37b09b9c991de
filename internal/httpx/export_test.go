package httpx

// Cut cuts secrets out of the body of an answer to a read.
func Cut(body []byte, secrets ...string) []byte {
	c := &Client{o: Options{Secrets: secrets}}
	res := &Response{Body: body}
	c.credentials("").cut(res)
	return res.Body
}
