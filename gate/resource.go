package gate

// A Resource is a read under a fixed address: an operation with its input. A
// client can fetch it without calling a tool.
type Resource struct {
	URI  string // such as "wazuh://agents"
	Name string // a short title
	Doc  string // what is in it
	Op   Op     // of TierRead
	In   any    // a pointer to a value of Op.In
}

// A Prompt is a text that an agent can be given to start with. It calls
// nothing and permits nothing.
type Prompt struct {
	Name string      // such as "investigate-alert"
	Doc  string      // what it is for
	Args []PromptArg // its arguments
	// Text renders the prompt. args holds every required argument; values come
	// from whoever asks and are to be quoted as data.
	Text func(args map[string]string) (string, error)
}

// A PromptArg is an argument of a [Prompt].
type PromptArg struct {
	Name     string   // its name
	Doc      string   // what it is
	Required bool     // whether it must be given
	Values   []string // what is allowed; nil: anything
}
