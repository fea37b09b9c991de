package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTheUpstreamAnswersFromMemory(t *testing.T) {
	t.Parallel()
	asked := 0
	to := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("X-Total", "7")
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(`{"n":1}`))
	}))
	defer to.Close()
	k := &kept{to: to.URL}
	for i := range 3 {
		w := httptest.NewRecorder()
		k.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api?x=1", strings.NewReader(fmt.Sprintf(`{"message":"%d"}`, firstNumber+i))))
		if w.Code != http.StatusAccepted || w.Body.String() != `{"n":1}` || w.Header().Get("X-Total") != "7" {
			t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
		}
	}
	k.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/api?x=1", strings.NewReader(`{"message":"1"}`)))
	if asked != 2 {
		t.Errorf("the platform was asked %d times, want once for the calls of all numbers, and once for another", asked)
	}
}

func TestTheIdOfAnAnswerIsFoundWhereverItStands(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]int64{
		`{"jsonrpc":"2.0","id":12,"result":{"id":"~7"}}`:      12,
		`{"result":{"id":"~7"},"jsonrpc":"2.0","id":34}`:      34,
		`{"jsonrpc":"2.0","method":"notifications/progress"}`: -1,
	} {
		if got := idOf([]byte(line)); got != want {
			t.Errorf("%s: %d, want %d", line, got, want)
		}
	}
}

func TestTheLargePlatformGivesThePagesThatAreAsked(t *testing.T) {
	t.Parallel()
	up := httptest.NewServer(http.HandlerFunc(big))
	defer up.Close()
	res, err := http.Post(up.URL+"/attributes/restSearch", "application/json", strings.NewReader(`{"page":2,"limit":30}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var page struct {
		Response struct{ Attribute []struct{ ID string } }
	}
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil || len(page.Response.Attribute) != 30 || page.Response.Attribute[0].ID != "31" {
		t.Errorf("%+v, %v", page, err)
	}
	if up := median([]float64{4, 1, 3}); up != 3 {
		t.Errorf("median %v", up)
	}
}
