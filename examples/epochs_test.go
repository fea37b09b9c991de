package examples_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var countedTime = regexp.MustCompile(`^1[5-9]\d{8}(\d{3})?$`)

// epochs returns where an answer has a number, as one or as a text, that is a time
// counted since 1970 in seconds or milliseconds.
func epochs(path string, v any) (found []string) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			found = append(found, epochs(path+"."+k, e)...)
		}
	case []any:
		for _, e := range v {
			found = append(found, epochs(path+"[]", e)...)
		}
	case float64:
		found = epochs(path, strconv.FormatFloat(v, 'f', -1, 64))
	case string:
		if countedTime.MatchString(v) {
			found = []string{strings.TrimPrefix(path, ".") + " = " + fmt.Sprint(v)}
		}
	}
	return found
}
