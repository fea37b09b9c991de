package thehivetest

import "github.com/sallyport-soc/sallyport/internal/behaviour"

// behaviours are what TheHive 5 does, and this fake with it.
var behaviours = behaviour.Table{
	Platform: "TheHive",
	Intro: "For whoever integrates TheHive 5. No TheHive 5 could be run where this was written: what is marked as seen running was seen on 4.1.24, " +
		"built from its source, whose engine is the ancestor of 5's, or by the tests that the vendor runs against 5.5.",
	Rows: []behaviour.Row{
		{
			Group: behaviour.List, Versions: "5.6.2", Known: []behaviour.Witness{behaviour.Docs("OpenAPI 5.6.2, Query API")}, Surprising: true,
			Does:   "A range or an order beside the query is ignored: only the steps page and sort limit and order what comes back.",
			Client: "Every list is sent with a sort and a page among its steps.",
			Test:   "TestOnlyStepsLimitAndSort",
		},
		{
			Group: behaviour.List, Versions: "4.1.24", Known: []behaviour.Witness{behaviour.Running("4.1.24")}, Surprising: true,
			Does:   "A query that begins with a case that isn't there answers 200 with an empty list.",
			Client: "Lists of what is in a case ask for the case when they find nothing, and say that it isn't there.",
			Test:   "TestAnswers/unknown case in a query",
		},
		{
			Group: behaviour.Write, Versions: "4.1.24", Known: []behaviour.Witness{behaviour.Running("4.1.24")}, Surprising: true,
			Does:   "A member of a PATCH that it doesn't know is dropped, and the answer is 204 as if it had been set.",
			Client: "Only members that the server knows are sent, and the entity is read back after each change.",
			Test:   "TestUnknownMembersChangeNothing",
		},
	},
}
