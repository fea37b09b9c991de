package main

//lint:file-ignore SA1019 the suite asks for what the protocol has deprecated, as long as it is in it

import (
	"context"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// prompted is a question to the client's model.
func prompted(text string) *mcp.CreateMessageParams {
	return &mcp.CreateMessageParams{MaxTokens: 100, Messages: []*mcp.SamplingMessage{{Role: "user", Content: &mcp.TextContent{Text: text}}}}
}

// deprecated adds what asks the client for its model and its roots. Our servers
// never do; the fixture shows that mcpadapter lets others.
func deprecated(s *mcp.Server) {
	s.AddTool(&mcp.Tool{Name: "test_sampling", Description: "A fixture of the suite.", InputSchema: &jsonschema.Schema{Type: "object",
		Properties: map[string]*jsonschema.Schema{"prompt": {Type: "string"}}, Required: []string{"prompt"}}},
		func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			res, err := req.Session.CreateMessage(ctx, prompted("Test prompt for sampling"))
			if err != nil {
				return nil, err
			}
			return &mcp.CallToolResult{Content: []mcp.Content{res.Content}}, nil
		})
	// once asks, and answers what comes after the client's answers.
	once := func(name string, ask mcp.InputRequestMap, state string) {
		tool(s, name, func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			for key := range ask {
				if req.Params.InputResponses[key] == nil || req.Params.RequestState != state {
					return &mcp.CallToolResult{InputRequests: ask, RequestState: state}, nil
				}
			}
			return said("all answers are there")(ctx, req)
		})
	}
	once("test_input_required_result_sampling", mcp.InputRequestMap{"capital_question": prompted("What is the capital of France?")}, "")
	once("test_input_required_result_list_roots", mcp.InputRequestMap{"client_roots": &mcp.ListRootsParams{}}, "")
	once("test_input_required_result_multiple_inputs", mcp.InputRequestMap{"user_name": form("What is your name?", "name"),
		"greeting": prompted("Generate a greeting"), "client_roots": &mcp.ListRootsParams{}}, "three-questions")
	tool(s, "test_input_required_result_capabilities", func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		ask := mcp.InputRequestMap{}
		if caps := req.ClientCapabilities(); caps != nil {
			if caps.Elicitation != nil {
				ask["user_name"] = form("What is your name?", "name")
			}
			if caps.Sampling != nil {
				ask["greeting"] = prompted("Generate a greeting")
			}
		}
		if len(ask) == 0 || len(req.Params.InputResponses) > 0 {
			return said("there is nothing to ask")(ctx, req)
		}
		return &mcp.CallToolResult{InputRequests: ask}, nil
	})
}
