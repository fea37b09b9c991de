// Package connect says how a client reaches its platform and how that can fail,
// in the same words for all of them.
//
// [Options] is part of every client's Config. What a platform refuses is an
// error of its package, such as thehive.Error, which has a [Refusal] in it; and
// every failure, also one without an answer, matches one of the sentinels below
// as well as that of its package:
//
//	switch connect.Kind(err) {
//	case connect.ErrNotFound:
//		// nothing of that id, on whichever platform
//	case connect.ErrRateLimited, connect.ErrUnavailable:
//		time.Sleep(max(time.Second, connect.RetryAfter(err)))
//	}
//
// A [Walk] goes over a list of any client and can be taken up again where it ended.
package connect
