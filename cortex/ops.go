package cortex

import "github.com/sallyport-soc/sallyport/gate"

// Ops lists every operation of the client with its tier and locks.
func (c *Client) Ops() []gate.Op {
	return gate.On(c.guard, c.upstream,
		gate.Read("cortex_get_status", c.GetStatus, "Tell the versions of Cortex, whose key this is, and whether it may run analyzers."),
		gate.Read("cortex_list_analyzers", c.ListAnalyzers, "List all enabled analyzers, or those that take one type of observable."),
		gate.Write("cortex_analyze_observable", c.AnalyzeObservable,
			"Submit an observable to the named analyzers, wait, and sum up: verdict, taxonomies, job ids, artifacts, failures. With fanOut instead of names, every analyzer that takes the type. Internal addresses and names, URLs with a user or query, and what is marked RED go to no third party.",
			gate.Leaves).Plan(c.planAnalyzeObservable).RunWhen(func(in AnalyzeObservableInput) bool { return !in.FanOut }),
		gate.Read("cortex_wait_and_get_report", c.WaitAndGetReport, "Wait for a job to end and fetch its report. A job that has not ended in time is not an error; ask again."),
		gate.Read("cortex_get_job_artifacts", c.GetJobArtifacts, "List all observables that a job found."),
		gate.Destructive("cortex_run_responder", c.RunResponder, "Run a responder on a case, task, observable or alert of TheHive. It acts on the real world.",
			gate.Leaves, gate.Env(envDestructive), gate.Confirm()).Plan(c.planRunResponder),
	)
}
