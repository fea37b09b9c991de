package examples_test

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

// clientsOf returns a client of each package, whose platforms are all at url.
func clientsOf(t *testing.T, url string) map[string]any {
	t.Helper()
	once := connect.Options{Retry: connect.Retry{Off: true}}
	wz, err1 := wazuh.New(wazuh.Config{BaseURL: url, Username: "u", Password: "canary-password", Options: once,
		Indexer: wazuh.IndexerConfig{BaseURL: url, Username: "u", Password: "canary-password", Options: once}})
	hive, err2 := thehive.New(thehive.Config{BaseURL: url, APIKey: "canary-key", Options: once})
	cx, err3 := cortex.New(cortex.Config{BaseURL: url, APIKey: "canary-key", SuperadminKey: "canary-key-2", Options: once})
	m, err4 := misp.New(misp.Config{BaseURL: url, APIKey: "canary-key", Options: once})
	kb, err5 := attack.New(attack.Config{})
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	all, err := soc.New(soc.Config{ATTACK: kb, Wazuh: wz, TheHive: hive, Cortex: cx, MISP: m})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"wazuh": wz, "thehive": hive, "cortex": cx, "misp": m, "attack": kb, "soc": all}
}

// outOfBounds calls each with an input of type in that breaks one bound of a tag,
// by the name that the field has in JSON.
func outOfBounds(in reflect.Type, each func(field, bound string, value reflect.Value)) {
	for _, sf := range reflect.VisibleFields(in) {
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if !sf.IsExported() || sf.Anonymous || name == "" || name == "-" {
			continue
		}
		set := func(bound string, v any) {
			value := reflect.New(in).Elem()
			at, one := value.FieldByIndex(sf.Index), sf.Type
			for one.Kind() == reflect.Pointer || one.Kind() == reflect.Slice {
				one = one.Elem()
			}
			if !reflect.TypeOf(v).ConvertibleTo(one) || (one.Kind() == reflect.String) != (reflect.TypeOf(v).Kind() == reflect.String) {
				return
			}
			put(at, reflect.ValueOf(v).Convert(one))
			each(name, bound, value)
		}
		number := func(tag string) (int, bool) {
			n, err := strconv.Atoi(sf.Tag.Get(tag))
			return n, err == nil
		}
		if n, ok := number("maximum"); ok {
			set("maximum", n+1)
		}
		if n, ok := number("minimum"); ok {
			set("minimum", cmp.Or(n-1, -1)) // zero is absent
		}
		if n, ok := number("maxLength"); ok {
			set("maxLength", strings.Repeat("a", n+1))
		}
		if n, ok := number("maxItems"); ok && sf.Type.Kind() == reflect.Slice && sf.Type.Elem().Kind() != reflect.Uint8 {
			value := reflect.New(in).Elem()
			value.FieldByIndex(sf.Index).Set(reflect.MakeSlice(sf.Type, n+1, n+1))
			each(name, "maxItems", value)
		}
		if p := sf.Tag.Get("pattern"); p != "" && !regexp.MustCompile(p).MatchString("\x01 no \x01") {
			set("pattern", "\x01 no \x01")
		}
	}
}

// put sets at, or the one element of it, to v.
func put(at, v reflect.Value) {
	switch at.Kind() {
	case reflect.Pointer:
		at.Set(reflect.New(at.Type().Elem()))
		put(at.Elem(), v)
	case reflect.Slice:
		at.Set(reflect.MakeSlice(at.Type(), 1, 1))
		put(at.Index(0), v)
	default:
		at.Set(v)
	}
}

// called calls a method and returns its error; of an iterator, the first.
func called(method reflect.Value, ctx context.Context, in reflect.Value) error {
	out := method.Call([]reflect.Value{reflect.ValueOf(ctx), in})
	last := out[len(out)-1]
	if last.Kind() == reflect.Func { // func(yield func(T, error) bool)
		var first error
		yield := last.Type().In(0)
		last.Call([]reflect.Value{reflect.MakeFunc(yield, func(args []reflect.Value) []reflect.Value {
			first, _ = args[len(args)-1].Interface().(error)
			return []reflect.Value{reflect.ValueOf(false)}
		})})
		return first
	}
	err, _ := last.Interface().(error)
	return err
}

func TestTheBoundsInTagsHoldForWhoCallsTheMethods(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent.Add(1)
		http.Error(w, "{}", http.StatusInternalServerError)
	}))
	defer server.Close()
	tried := 0
	for name, c := range clientsOf(t, server.URL) {
		client := reflect.ValueOf(c)
		for i := range client.NumMethod() {
			m := client.Type().Method(i)
			if m.Type.NumIn() != 3 || m.Type.In(1) != reflect.TypeFor[context.Context]() || m.Type.In(2).Kind() != reflect.Struct {
				continue
			}
			walks := m.Type.Out(m.Type.NumOut()-1).Kind() == reflect.Func
			outOfBounds(m.Type.In(2), func(field, bound string, in reflect.Value) {
				if walks && field == "limit" && bound == "maximum" {
					return // an iterator may ask for larger pages than anyone reads at once
				}
				tried++
				before := sent.Load()
				err := called(client.Method(i), t.Context(), in)
				if !errors.Is(err, connect.ErrInvalid) || !strings.Contains(err.Error(), field) {
					t.Errorf("%s.%s: a %s that breaks its %s: %v", name, m.Name, field, bound, err)
				}
				if sent.Load() != before {
					t.Errorf("%s.%s: a %s that breaks its %s was sent", name, m.Name, field, bound)
				}
			})
		}
	}
	if tried < 500 {
		t.Errorf("only %d bounds were tried", tried)
	}
}
