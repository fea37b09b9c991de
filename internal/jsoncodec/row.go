package jsoncodec

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
)

// UnmarshalPartly is [Unmarshal], but leaves out what a field of a struct can't hold, and
// says what that is and why. A text that is no JSON is an error, and so is one that has
// nothing of the kind of v.
func UnmarshalPartly(b []byte, v any) (unread string, err error) {
	if err = Unmarshal(b, v); err == nil {
		return "", nil
	}
	return partly(b, v, err)
}

// partly reads once more what could not be read because of why.
func partly(b []byte, v any, why error) (unread string, err error) {
	reflect.ValueOf(v).Elem().SetZero()
	var odd oddities
	if unmarshal(b, v, false, &odd) != nil {
		return "", why
	}
	return strings.Join(odd.told, "; "), nil
}

// UnmarshalRow is [UnmarshalPartly] for a row that has a field Unread, a string, for what
// can't be read: in the struct that v points to, or in the one to which its first field
// does. For others it is [Unmarshal].
func UnmarshalRow(b []byte, v any) error {
	err := Unmarshal(b, v)
	if err == nil || !unread(v).IsValid() {
		return err
	}
	odd, none := partly(b, v, err)
	if none != nil {
		return none
	}
	tell := unread(v)
	if !tell.CanSet() { // the struct that has it can't be read at all
		return err
	}
	tell.SetString(odd)
	return nil
}

// UnreadOf returns what of a row could not be read, and why, if there is such a thing.
func UnreadOf(row any) string {
	if u := unread(row); u.IsValid() {
		return u.String()
	}
	return ""
}

// unread returns the field for what can't be read, or nothing.
func unread(row any) reflect.Value {
	for v := reflect.ValueOf(row); ; v = v.Field(0) {
		for v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v = reflect.Zero(v.Type().Elem())
			} else {
				v = v.Elem()
			}
		}
		if v.Kind() != reflect.Struct || v.NumField() == 0 {
			return reflect.Value{}
		}
		for i := range v.NumField() { // reflect's own look-up by name is a large part of a program
			if f := v.Type().Field(i); f.Name == "Unread" && f.Type.Kind() == reflect.String {
				return v.Field(i)
			}
		}
	}
}

const (
	maxOddities = 5
	maxOddity   = 200 // bytes
)

// oddities are the members of a value that could not be read.
type oddities struct {
	path []string // to the member that is read
	told []string
}

func (o *oddities) add(name string, err error) {
	switch {
	case len(o.told) == maxOddities:
		o.told = append(o.told, "and more")
		fallthrough
	case len(o.told) > maxOddities:
		return
	}
	why := err.Error()
	var e *json.UnmarshalTypeError
	if errors.As(err, &e) {
		why = fmt.Sprintf("want %s, got %s", kind(e.Type), e.Value)
	}
	o.told = append(o.told, clip.Text(strings.Join(append(o.path, name), ".")+": "+why, maxOddity))
}

// kind is what the JSON has that values of t are read from.
func kind(t reflect.Type) string {
	switch k := t.Kind(); {
	case k == reflect.String:
		return "a string"
	case k == reflect.Bool:
		return "true or false"
	case k >= reflect.Int && k <= reflect.Uint64:
		return "an integer"
	case k == reflect.Float32 || k == reflect.Float64:
		return "a number"
	case k == reflect.Slice || k == reflect.Array:
		return "an array"
	}
	return "an object"
}
