package cortex

import "github.com/sallyport-soc/sallyport/gate"

// Ops lists every operation of the client with its tier and locks.
func (c *Client) Ops() []gate.Op {
	superadmin := gate.EnvSet(envSuperadmin)
	return gate.InvalidAs(ErrInvalid, footprint.Limit(append(gate.On(c.guard, c.upstream,
		gate.Read("cortex_get_status", c.GetStatus, "Tell the versions of Cortex, whose key this is, and whether it may run analyzers.").Op(),

		gate.Read("cortex_list_analyzers", c.ListAnalyzers, "List all enabled analyzers, or those that work on one type of observable, such as hashes.", gate.InParts("one dataType")).Op(),
		gate.Read("cortex_get_analyzer", c.GetAnalyzer, "Fetch one enabled analyzer.").Op(),
		gate.Write("cortex_run_analyzer", c.RunAnalyzer,
			"Run one analyzer, by its id, on an observable, without waiting.",
			gate.Leaves, gate.About(func(in RunAnalyzerInput) []string { return []string{in.AnalyzerID + " " + in.Data} })).Plan(c.planRunAnalyzer).RunWhen(func(in RunAnalyzerInput) bool { return !in.WholeURL }).Op(),
		gate.Write("cortex_run_analyzer_by_name", c.RunAnalyzerByName,
			"Run the one analyzer of that name on an observable, without waiting.",
			gate.Leaves, gate.About(func(in RunAnalyzerByNameInput) []string { return []string{in.AnalyzerName + " " + in.Data} })).Plan(c.planRunAnalyzerByName).RunWhen(func(in RunAnalyzerByNameInput) bool { return !in.WholeURL }).Op(),
		gate.Write("cortex_run_analyzer_file", c.RunAnalyzerFile,
			"Submit a file to one analyzer, by its content or its path.",
			gate.Leaves, gate.About(func(in RunAnalyzerFileInput) []string {
				return []string{in.AnalyzerID + " " + in.FilePath + in.Filename}
			})).Plan(c.planRunAnalyzerFile).Op(),
		gate.Write("cortex_analyze_observable", c.AnalyzeObservable,
			"Enrich an indicator (IOC): look up the reputation of an IP, domain, URL, mail, hash or file: known bad, malicious? Scan or analyze it with analyzers such as VirusTotal (fanOut: all), wait, and sum up. What is internal or marked RED, and URLs with a query or token, go to no third party.",
			gate.Leaves, gate.Settles, gate.About(func(in AnalyzeObservableInput) []string { return []string{in.Data} })).Plan(c.PlanAnalyzeObservable).RunWhen(func(in AnalyzeObservableInput) bool { return !in.FanOut && !in.WholeURL }).Op(),

		gate.Read("cortex_list_jobs", c.ListJobs, "List analyzer jobs, newest first, by observable, status (failed, running), type or analyzer: what was analyzed before.").Op(),
		gate.Read("cortex_get_job", c.GetJob, "Status of an analyzer job, without its report.").Op(),
		gate.Read("cortex_get_job_report", c.GetJobReport, "Result: the report of an analyzer job (run, analysis), without waiting.", gate.InParts("cortex_get_job_artifacts of the jobId")).Op(),
		gate.Read("cortex_wait_and_get_report", c.WaitAndGetReport, "Result of an analyzer run: wait for the job to end and fetch its report; if it has not, ask again.", gate.InParts("cortex_get_job_artifacts of the jobId")).Op(),
		gate.Read("cortex_get_job_artifacts", c.GetJobArtifacts, "List all observables that a job found.").Op(),
		gate.Destructive("cortex_delete_job", c.DeleteJob, "Delete a job and its report.", gate.Confirm(), gate.Idempotent).Plan(c.planDeleteJob).Op(),
		gate.Destructive("cortex_cleanup_jobs", c.CleanupJobs,
			"Clean up: delete old jobs by status or age. A dry run, the default, lists them and tells a selection; give that with dryRun false and confirm true to delete exactly those.",
			gate.Confirm()).Plan(c.planCleanupJobs).ReadWhen(func(in CleanupJobsInput) bool { return in.dry() }).Op(),

		gate.Read("cortex_list_responders", c.ListResponders, "List all enabled responders, or those that act on a case, task, observable or alert.", gate.InParts("one dataType")).Op(),
		gate.Destructive("cortex_run_responder", c.RunResponder, "Respond: run a responder on a case, task, observable or alert: block an IP at the firewall, isolate, quarantine or contain a host, machine or endpoint, disable a user account.",
			gate.Leaves, gate.Env(envDestructive), gate.Confirm(), gate.ActsOn(RunResponderInput.actsOn)).Plan(c.planRunResponder).Op(),

		gate.Write("cortex_enable_analyzer", c.EnableAnalyzer, "Enable (turn on, configure) an analyzer in the organisation of the key.").Plan(c.planEnableAnalyzer).Op(),
		gate.Destructive("cortex_disable_analyzer", c.DisableAnalyzer, "Disable (turn off) an analyzer. Its configuration is lost.", gate.Confirm(), gate.Idempotent).Plan(c.planDisableAnalyzer).Op(),
		gate.Write("cortex_enable_responder", c.EnableResponder, "Enable (turn on, configure) a responder in the organisation of the key.").Plan(c.planEnableResponder).Op(),
		gate.Destructive("cortex_disable_responder", c.DisableResponder, "Disable a responder. Its configuration is lost.", gate.Confirm(), gate.Idempotent).Plan(c.planDisableResponder).Op(),
		gate.Read("cortex_list_analyzer_definitions", c.ListAnalyzerDefinitions, "List the analyzers that the server has, enabled or not, with the settings that each needs.").Op(),
		gate.Read("cortex_list_responder_definitions", c.ListResponderDefinitions, "List the responders that the server has, enabled or not, with the settings that each needs.").Op(),
	), gate.On(c.guard, c.above,
		gate.Read("cortex_list_organizations", c.ListOrganisations, "List all organisations of the server.", superadmin, gate.InParts("cortex_get_organization of one orgId")).Op(),
		gate.Read("cortex_get_organization", c.GetOrganisation, "Fetch one organisation.", superadmin).Op(),
		gate.Write("cortex_create_organization", c.CreateOrganisation, "Create an organisation.", superadmin).Plan(c.planCreateOrganisation).Op(),
		gate.Write("cortex_update_organization", c.UpdateOrganisation, "Describe an organisation anew, lock or unlock it. What is left out stays.", superadmin, gate.Idempotent).Plan(c.planUpdateOrganisation).Op(),
		gate.Read("cortex_list_users", c.ListUsers, "List the users of all organisations.", superadmin, gate.InParts("cortex_get_user of one userId")).Op(),
		gate.Read("cortex_get_user", c.GetUser, "Fetch one user.", superadmin).Op(),
		gate.Write("cortex_create_user", c.CreateUser, "Create a user, who has neither a password nor a key.", superadmin).Plan(c.planCreateUser).Op(),
		gate.Destructive("cortex_renew_user_key", c.RenewUserKey, "Give a user a new API key, written to the operator's directory, never returned. The old one stops working.", superadmin).Plan(c.planRenewUserKey).Op(),
		gate.Write("cortex_get_user_key", c.GetUserKey, "Write the API key of a user to the operator's directory. It is never returned.", superadmin, gate.Idempotent).Plan(c.planGetUserKey).Op(),
	)...))...)
}
