// Package contract checks that clients, fakes and descriptions agree: every
// request that a client sends and every answer that a fake gives is held
// against api/. It is a module of its own, so that the validator it needs stays
// out of the dependencies of everybody else.
package contract
