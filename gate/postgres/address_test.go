package postgres

import (
	"strings"
	"testing"
)

const canary = "canary-5f1c"

func TestAnAddressIsVerifiedUnlessItIsOfThisMachine(t *testing.T) {
	for _, test := range []struct {
		address string
		tls     bool
		want    string // in the error
	}{
		{"postgres://u@db.example/gate", true, ""},
		{"postgresql://u@db.example:6432/gate?sslmode=verify-ca", true, ""},
		{"postgres://u@127.0.0.1/gate?sslmode=disable", false, ""},
		{"postgres://u@[::1]:5433/gate?sslmode=disable", false, ""},
		{"postgres://u@/gate?host=/run/postgresql", false, ""},
		{"postgres://u@db.example/gate?sslmode=disable&unverified=allow", false, ""},
		{"postgres://u@db.example/gate?sslmode=require&unverified=allow", true, ""},
		{"postgres://u@db.example/gate?sslmode=disable", false, "sslmode=disable: nobody would make sure"},
		{"postgres://u@db.example/gate?sslmode=require", false, "verify-full"},
		{"postgres://u@db.example/gate?sslmode=prefer", false, "unverified=allow"},
		{"postgres://u@192.0.2.1/gate?sslmode=allow", false, "192.0.2.1"},
		{"postgres://u@/gate?host=db.example&sslmode=disable", false, "db.example"},
		{"postgres://u@db.example/gate?unverified=yes", false, "unverified"},
		{"postgres://u@db.example/gate?schema=a;drop", false, "can't be read"},
		{"postgres://u@db.example/gate?schema=Drop", false, "schema"},
		{"postgres://u@db.example/gate?options=-cfsync%3Doff", false, "parameters"},
		{"postgres://u@db.example/gate?sslmode=verify-full&sslmode=disable", false, "each once"},
		{"postgres:///gate", false, "names no host"},
		{"postgres://u@/gate?host=/run/postgresql,db.example&sslmode=disable", false, "more than one host"},
		{"postgres://u@127.0.0.1,db.example/gate", false, "more than one host"},
		{"postgres://u@db.example/gate?host=127.0.0.1", false, "more than one host"},
		{"postgres://u:12/" + canary + "@db.example/gate", false, "want postgres://"},
		{"postgres://u:12#" + canary + "@db.example/gate", false, "want postgres://"},
		{"postgres://u:12?" + canary + "@db.example/gate", false, "may have the parameters"},
		{"mysql://u@db.example/gate", false, "want postgres://"},
		{"postgres://u:" + canary + "@db.example:port/gate", false, "want postgres://"},
		{"postgres://u:" + canary + "%zz@db.example/gate", false, "want postgres://"},
		{"postgres://u:" + canary + "@db.example/gate?sslmode=" + canary[:3], false, "sslmode=can"},
		{"postgres://u:" + canary + "@db.example/gate?sslrootcert=/nowhere", false, "/nowhere"},
	} {
		a, err := parse(test.address)
		if err == nil != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.address, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("the password is in %v", err)
		}
		if err == nil && (a.config.TLSConfig != nil) != test.tls {
			t.Errorf("%s: TLS is %v", test.address, a.config.TLSConfig != nil)
		}
	}
}

func TestTheEnvironmentDoesNotWeakenAnAddress(t *testing.T) {
	t.Setenv("PGSSLMODE", "disable")
	a, err := parse("postgres://u@db.example/gate")
	if err != nil || a.config.TLSConfig == nil || a.config.TLSConfig.InsecureSkipVerify || len(a.config.Fallbacks) != 0 {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestThePasswordIsNowhere(t *testing.T) {
	server := database.Server(t)
	state := strings.Replace(server.State(""), "sallyport@", "sallyport:"+canary+"@", 1)
	s := opened(t, state)
	tx := must(s.Begin())
	said := []string{s.String(), must(s.Place())}
	for _, err := range []error{tx.Append([]byte("{}"), "x", ""), s.StrikeApprover("nobody"), second(open(strings.Replace(state, "/postgres?", "/nowhere?", 1))),
		second(open(strings.Replace(state, server.Addr, "127.0.0.1:1", 1)))} {
		if err == nil {
			t.Fatal("no error")
		}
		said = append(said, err.Error())
	}
	tx.End()
	for _, text := range said {
		if strings.Contains(text, canary) {
			t.Errorf("the password is in %s", text)
		}
	}
	if want := "postgres://sallyport@" + server.Addr + "/postgres"; s.String() != want {
		t.Errorf("shown as %s, want %s", s, want)
	}
}

func second[T any](_ T, err error) error { return err }

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"postgres://u:p@h/d", "postgres://u@/d?host=/run", "postgres://u:p@h:1/d?sslmode=disable&unverified=allow", "postgres://%zz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		raw = strings.Replace(raw, ":p@", ":"+canary+"@", 1)
		a, err := parse(raw)
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("%q: %v", raw, err)
		}
		if err == nil && strings.Contains(a.shown, canary) {
			t.Errorf("%q: %s", raw, a.shown)
		}
	})
}
