package wazuhtest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// aggregate counts docs as asks says.
func (y types) aggregate(asks map[string]any, docs []*alert) (Object, error) {
	out := Object{}
	for _, name := range slices.Sorted(maps.Keys(asks)) {
		ask, isObject := asks[name].(map[string]any)
		if !isObject {
			return nil, bad("parsing_exception", "malformed aggregation [%s]", name)
		}
		inner, _ := ask["aggs"].(map[string]any)
		var counted Object
		var err error
		for kind, v := range ask {
			how, _ := v.(map[string]any)
			switch kind {
			case "aggs":
				continue
			case "terms":
				counted, err = y.countTerms(how, inner, docs)
			case "filters":
				counted, err = y.countFilters(how, inner, docs)
			case "nested", "reverse_nested":
				counted, err = y.countOthers(kind, fmt.Sprint(how["path"]), inner, docs)
			case "date_histogram":
				counted, err = y.histogram(how, docs)
			default:
				err = bad("parsing_exception", "Unknown aggregation type [%s]", kind)
			}
			if err != nil {
				return nil, err
			}
		}
		if counted == nil {
			return nil, bad("parsing_exception", "Missing definition for aggregation [%s]", name)
		}
		out[name] = counted
	}
	return out, nil
}

func (y types) countTerms(how, inner map[string]any, docs []*alert) (Object, error) {
	for k := range how {
		if k != "field" && k != "size" {
			return nil, bad("x_content_parse_exception", "[terms] unknown field [%s]", k)
		}
	}
	if how["field"] == nil {
		return nil, bad("illegal_argument_exception", "Required one of fields [field, script], but none were specified. ")
	}
	field := fmt.Sprint(how["field"])
	if y.of(field) == text {
		return nil, textField(field)
	}
	size := 10
	if n, isNumber := how["size"].(float64); isNumber {
		size = int(n)
	}
	if size < 1 {
		return nil, bad("x_content_parse_exception", "[terms] failed to parse field [size]")
	}
	byKey := map[string][]*alert{}
	for _, d := range docs {
		seen := map[string]bool{}
		for _, v := range d.values(field) {
			if k := textOf(v); !seen[k] {
				seen[k] = true
				byKey[k] = append(byKey[k], d)
			}
		}
	}
	keys := slices.SortedFunc(maps.Keys(byKey), func(a, b string) int {
		tie := cmp.Compare(a, b)
		if y.of(field) == long {
			tie = cmp.Compare(number(a, 0), number(b, 0))
		}
		return cmp.Or(-cmp.Compare(len(byKey[a]), len(byKey[b])), tie)
	})
	others := 0
	for _, k := range keys[min(size, len(keys)):] {
		others += len(byKey[k])
	}
	list := []Object{}
	for _, k := range keys[:min(size, len(keys))] {
		b := Object{"key": k, "doc_count": len(byKey[k])}
		if y.of(field) == long {
			n, err := strconv.ParseFloat(k, 64)
			if err != nil {
				return nil, err
			}
			b["key"] = n
		}
		if len(inner) > 0 {
			more, err := y.aggregate(inner, byKey[k])
			if err != nil {
				return nil, err
			}
			maps.Copy(b, more)
		}
		list = append(list, b)
	}
	return Object{"doc_count_error_upper_bound": 0, "sum_other_doc_count": others, "buckets": list}, nil
}

// countFilters counts the documents that pass each of the named filters.
func (y types) countFilters(how, inner map[string]any, docs []*alert) (Object, error) {
	named, ok := how["filters"].(map[string]any)
	if !ok || len(how) != 1 {
		return nil, bad("parsing_exception", "[filters] malformed")
	}
	out := Object{}
	for name, q := range named {
		match, err := y.compile(q)
		if err != nil {
			return nil, err
		}
		var some []*alert
		for _, d := range docs {
			if match(d) {
				some = append(some, d)
			}
		}
		b := Object{"doc_count": len(some)}
		if len(inner) > 0 {
			more, err := y.aggregate(inner, some)
			if err != nil {
				return nil, err
			}
			maps.Copy(b, more)
		}
		out[name] = b
	}
	return Object{"buckets": out}, nil
}

// countOthers counts what is within documents at a path, or what they are within.
func (y types) countOthers(kind, path string, inner map[string]any, docs []*alert) (Object, error) {
	var others []*alert
	for _, d := range docs {
		switch {
		case kind == "nested":
			others = append(others, d.below(path)...)
		case d.outer == nil:
			return nil, bad("illegal_argument_exception", "Reverse nested aggregation can not be used outside a [nested] aggregation")
		default:
			for d.outer != nil {
				d = d.outer
			}
			if !slices.Contains(others, d) {
				others = append(others, d)
			}
		}
	}
	out := Object{"doc_count": len(others)}
	more, err := y.aggregate(inner, others)
	maps.Copy(out, more)
	return out, err
}

func (y types) histogram(how map[string]any, docs []*alert) (Object, error) {
	for k := range how {
		if !slices.Contains([]string{"field", "fixed_interval", "calendar_interval", "min_doc_count", "time_zone"}, k) {
			return nil, bad("x_content_parse_exception", "[date_histogram] unknown field [%s]", k)
		}
	}
	if field := fmt.Sprint(how["field"]); y.of(field) != date {
		return nil, bad("illegal_argument_exception", "Field [%s] is not supported for aggregation [date_histogram]", field)
	}
	zone := time.UTC
	if name, ok := how["time_zone"].(string); ok {
		var err error
		if zone, err = time.LoadLocation(name); err != nil {
			return nil, bad("x_content_parse_exception", "[date_histogram] failed to parse field [time_zone]")
		}
	}
	step, begins := time.Duration(0), func(t time.Time) time.Time { return t }
	switch {
	case how["calendar_interval"] == "1d":
		step = 24 * time.Hour
		begins = func(t time.Time) time.Time {
			y, m, d := t.In(zone).Date()
			return time.Date(y, m, d, 0, 0, 0, 0, zone)
		}
	case how["calendar_interval"] == nil:
		s := fmt.Sprint(how["fixed_interval"])
		unit := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[s[len(s)-1]]
		step = time.Duration(number(s[:len(s)-1], 0)) * unit
		begins = func(t time.Time) time.Time { // steps of a fixed length, counted from 1970 in the zone
			_, offset := t.In(zone).Zone()
			ms := t.UnixMilli() + int64(offset)*1000
			return time.UnixMilli(ms/step.Milliseconds()*step.Milliseconds() - int64(offset)*1000)
		}
	}
	if step <= 0 {
		return nil, bad("x_content_parse_exception", "[date_histogram] failed to parse field [fixed_interval]")
	}
	counts := map[int64]int{}
	for _, d := range docs {
		if t, isTime := asTime(d.first(fmt.Sprint(how["field"]))); isTime {
			counts[begins(t).UnixMilli()]++
		}
	}
	list := []Object{}
	if len(counts) > 0 {
		keys := slices.Sorted(maps.Keys(counts))
		for k := keys[0]; k <= keys[len(keys)-1]; k = begins(time.UnixMilli(k + step.Milliseconds() + step.Milliseconds()/2)).UnixMilli() {
			list = append(list, Object{"key": k, "key_as_string": time.UnixMilli(k).UTC().Format(stamp), "doc_count": counts[k]})
		}
	}
	return Object{"buckets": list}, nil
}
