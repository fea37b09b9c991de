package thehive

// What writes the text of others into a report.
var (
	Inert = inert
	Code  = code
)
