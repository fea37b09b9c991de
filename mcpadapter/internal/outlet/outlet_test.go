package outlet

import (
	"bytes"
	"testing"
)

func TestTheTicketOfAnAnswerIsGoodOnce(t *testing.T) {
	var to bytes.Buffer
	o := New(open{&to})
	ticket := string(o.Put([]byte(`{"a":1}`)))
	for _, want := range []string{`{"structuredContent":{"a":1}}`, `{"structuredContent":}`} {
		to.Reset()
		if n, err := o.Write([]byte(`{"structuredContent":` + ticket + `}`)); err != nil || n != len(`{"structuredContent":`+ticket+`}`) {
			t.Errorf("%d, %v", n, err)
		}
		if to.String() != want {
			t.Errorf("%s, want %s", &to, want)
		}
	}
	if o.Waiting() > 0 {
		t.Errorf("%d answers are held", o.Waiting())
	}
}
