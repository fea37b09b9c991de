package cortex

import "github.com/sallyport-soc/sallyport/gate"

// Ops lists every operation of the client with its tier and locks.
func (c *Client) Ops() []gate.Op {
	superadmin := gate.EnvSet(envSuperadmin)
	return gate.InvalidAs(ErrInvalid, footprint.Limit(append(gate.On(c.guard, c.upstream,
		gate.Read("cortex_get_status", c.GetStatus, "Tell the versions of Cortex, whose key this is, and whether it may run analyzers."),

		gate.Read("cortex_list_analyzers", c.ListAnalyzers, "List all enabled analyzers, or those that work on one type of observable, such as hashes."),
		gate.Read("cortex_get_analyzer", c.GetAnalyzer, "Fetch one enabled analyzer."),
		gate.Write("cortex_run_analyzer", c.RunAnalyzer,
			"Submit an observable to one analyzer, by its id, without waiting. Internal addresses and names, URLs with a query or token, and what is marked RED go to no third party.",
			gate.Leaves, gate.About(func(in RunAnalyzerInput) []string { return []string{in.AnalyzerID + " " + in.Data} })).Plan(c.planRunAnalyzer).RunWhen(func(in RunAnalyzerInput) bool { return !in.WholeURL }),
		gate.Write("cortex_run_analyzer_by_name", c.RunAnalyzerByName,
			"Submit an observable to the one analyzer of that name, without waiting. A name that can mean several is refused with their names. Nothing internal or marked RED goes to a third party.",
			gate.Leaves, gate.About(func(in RunAnalyzerByNameInput) []string { return []string{in.AnalyzerName + " " + in.Data} })).Plan(c.planRunAnalyzerByName).RunWhen(func(in RunAnalyzerByNameInput) bool { return !in.WholeURL }),
		gate.Write("cortex_run_analyzer_file", c.RunAnalyzerFile,
			"Submit a file to one analyzer, by its content or, where the operator allows it, by its path. What is marked RED goes to no third party.",
			gate.Leaves, gate.About(func(in RunAnalyzerFileInput) []string {
				return []string{in.AnalyzerID + " " + in.FilePath + in.Filename}
			})).Plan(c.planRunAnalyzerFile),
		gate.Write("cortex_analyze_observable", c.AnalyzeObservable,
			"Enrich an indicator: check the reputation of an IP, domain, URL, mail, hash or file, whether it is malicious. Scan or analyze it with the named analyzers, wait, and sum up: verdict, taxonomies, job ids, artifacts, failures. With fanOut instead of names, every analyzer that takes the type. Internal addresses and names, URLs with a query or token, and what is marked RED go to no third party.",
			gate.Leaves, gate.About(func(in AnalyzeObservableInput) []string { return []string{in.Data} })).Plan(c.PlanAnalyzeObservable).RunWhen(func(in AnalyzeObservableInput) bool { return !in.FanOut && !in.WholeURL }),

		gate.Read("cortex_list_jobs", c.ListJobs, "List jobs of the organisation, newest first, by observable, type, analyzer or status: what was analyzed before."),
		gate.Read("cortex_get_job", c.GetJob, "Fetch a job without its report."),
		gate.Read("cortex_get_job_report", c.GetJobReport, "Fetch a job with its report as it is, without waiting."),
		gate.Read("cortex_wait_and_get_report", c.WaitAndGetReport, "Wait for a job to end and fetch its report. A job that has not ended in time is not an error; ask again."),
		gate.Read("cortex_get_job_artifacts", c.GetJobArtifacts, "List all observables that a job found."),
		gate.Destructive("cortex_delete_job", c.DeleteJob, "Delete a job and its report.", gate.Confirm(), gate.Idempotent).Plan(c.planDeleteJob),
		gate.Destructive("cortex_cleanup_jobs", c.CleanupJobs,
			"Delete jobs by status or age, the oldest first. A dry run, the default, lists exactly what would be deleted and tells a selection; give that with dryRun false and confirm true to delete exactly those.",
			gate.Confirm()).Plan(c.planCleanupJobs).ReadWhen(func(in CleanupJobsInput) bool { return in.dry() }),

		gate.Read("cortex_list_responders", c.ListResponders, "List all enabled responders, or those that act on a case, task, observable or alert."),
		gate.Destructive("cortex_run_responder", c.RunResponder, "Run a responder on a case, task, observable or alert of TheHive: block an IP at the firewall, isolate or contain a host or endpoint, disable a user account. It acts on the real world.",
			gate.Leaves, gate.Env(envDestructive), gate.Confirm(), gate.ActsOn(RunResponderInput.actsOn)).Plan(c.planRunResponder),

		gate.Write("cortex_enable_analyzer", c.EnableAnalyzer, "Enable an analyzer in the organisation of the key. Secrets in its configuration come from the operator, not from the call.").Plan(c.planEnableAnalyzer),
		gate.Destructive("cortex_disable_analyzer", c.DisableAnalyzer, "Disable an analyzer. Its configuration is lost.", gate.Confirm(), gate.Idempotent).Plan(c.planDisableAnalyzer),
		gate.Write("cortex_enable_responder", c.EnableResponder, "Enable a responder in the organisation of the key. Secrets in its configuration come from the operator, not from the call.").Plan(c.planEnableResponder),
		gate.Destructive("cortex_disable_responder", c.DisableResponder, "Disable a responder. Its configuration is lost.", gate.Confirm(), gate.Idempotent).Plan(c.planDisableResponder),
		gate.Read("cortex_list_analyzer_definitions", c.ListAnalyzerDefinitions, "List the analyzers that the server has, enabled or not, with the settings that each needs."),
		gate.Read("cortex_list_responder_definitions", c.ListResponderDefinitions, "List the responders that the server has, enabled or not, with the settings that each needs."),
	), gate.On(c.guard, c.above,
		gate.Read("cortex_list_organizations", c.ListOrganizations, "List all organisations of the server.", superadmin),
		gate.Read("cortex_get_organization", c.GetOrganization, "Fetch one organisation.", superadmin),
		gate.Write("cortex_create_organization", c.CreateOrganization, "Create an organisation.", superadmin).Plan(c.planCreateOrganization),
		gate.Write("cortex_update_organization", c.UpdateOrganization, "Describe an organisation anew, lock or unlock it. What is left out stays.", superadmin, gate.Idempotent).Plan(c.planUpdateOrganization),
		gate.Read("cortex_list_users", c.ListUsers, "List the users of all organisations.", superadmin),
		gate.Read("cortex_get_user", c.GetUser, "Fetch one user.", superadmin),
		gate.Write("cortex_create_user", c.CreateUser, "Create a user, who has neither a password nor a key.", superadmin).Plan(c.planCreateUser),
		gate.Destructive("cortex_renew_user_key", c.RenewUserKey, "Give a user a new API key, which is written to the operator's directory and never returned. The old key stops working.", superadmin).Plan(c.planRenewUserKey),
		gate.Write("cortex_get_user_key", c.GetUserKey, "Write the API key of a user to the operator's directory. It is never returned.", superadmin, gate.Idempotent).Plan(c.planGetUserKey),
	)...))...)
}
