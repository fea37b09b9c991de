package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A pixel, and a moment of silence.
const (
	pixel   = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
	silence = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
)

func bytesOf(b64 string) []byte {
	b, err := base64.StdEncoding.DecodeString(b64)
	if err != nil {
		panic(err)
	}
	return b
}

// beside adds what the suite asks for and mcpadapter never serves, by way of
// the SDK: it shows that what mcpadapter puts around a server is in nobody's way.
func beside(s *mcp.Server) {
	image := &mcp.ImageContent{Data: bytesOf(pixel), MIMEType: "image/png"}
	embedded := &mcp.EmbeddedResource{Resource: &mcp.ResourceContents{URI: "test://embedded", MIMEType: "text/plain", Text: "An embedded text."}}
	for name, content := range map[string][]mcp.Content{
		"test_image_content":          {image},
		"test_audio_content":          {&mcp.AudioContent{Data: bytesOf(silence), MIMEType: "audio/wav"}},
		"test_embedded_resource":      {embedded},
		"test_multiple_content_types": {&mcp.TextContent{Text: "A text."}, image, embedded},
	} {
		tool(s, name, func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return &mcp.CallToolResult{Content: content}, nil
		})
	}
	s.AddTool(&mcp.Tool{Name: "json_schema_2020_12_tool", Description: "Has a schema with much in it.", InputSchema: jsonSchema}, said("ok"))
	s.AddTool(&mcp.Tool{Name: "test_x_mcp_header", Description: "Has an argument that is in a header too.", InputSchema: headerSchema}, said("ok"))
	tool(s, "test_reconnection", func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if req.Extra != nil && req.Extra.CloseSSEStream != nil {
			req.Extra.CloseSSEStream(mcp.CloseSSEStreamArgs{RetryAfter: 10 * time.Millisecond})
		}
		time.Sleep(100 * time.Millisecond)
		return said("ok")(ctx, req)
	})
	tool(s, "test_streaming_elicitation", func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		for i := range 3 {
			p := &mcp.ProgressNotificationParams{ProgressToken: req.Params.GetProgressToken(), Progress: float64(i), Total: 3}
			if p.ProgressToken == nil {
				break
			}
			if err := req.Session.NotifyProgress(ctx, p); err != nil {
				return nil, err
			}
		}
		return said("ok")(ctx, req)
	})
	tool(s, "test_trigger_tool_change", func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		tool(s, "transient", said("ok"))
		return said("ok")(ctx, req)
	})
	tool(s, "test_trigger_prompt_change", func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		s.AddPrompt(&mcp.Prompt{Name: "transient", Description: "Comes and goes."}, messages(&mcp.TextContent{Text: "ok"}))
		return said("ok")(ctx, req)
	})
	asking(s)
	deprecated(s)

	s.AddResource(&mcp.Resource{URI: "test://static-binary", Name: "static binary", MIMEType: "image/png"}, read(func(uri string) *mcp.ResourceContents {
		return &mcp.ResourceContents{URI: uri, MIMEType: "image/png", Blob: bytesOf(pixel)}
	}))
	s.AddResourceTemplate(&mcp.ResourceTemplate{URITemplate: "test://template/{id}/data", Name: "template", MIMEType: "application/json"}, read(func(uri string) *mcp.ResourceContents {
		id := strings.TrimSuffix(strings.TrimPrefix(uri, "test://template/"), "/data")
		return &mcp.ResourceContents{URI: uri, MIMEType: "application/json", Text: `{"id":"` + id + `","templateTest":true,"data":"Data for ID: ` + id + `"}`}
	}))
	s.AddPrompt(&mcp.Prompt{Name: "test_prompt_with_image", Description: "A prompt with an image."}, messages(image, &mcp.TextContent{Text: "Look at it."}))
	s.AddPrompt(&mcp.Prompt{Name: "test_prompt_with_embedded_resource", Description: "A prompt with a resource in it.",
		Arguments: []*mcp.PromptArgument{{Name: "resourceUri", Required: true}}},
		func(ctx context.Context, req *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
			return messages(&mcp.EmbeddedResource{Resource: &mcp.ResourceContents{URI: req.Params.Arguments["resourceUri"], MIMEType: "text/plain",
				Text: "An embedded text."}}, &mcp.TextContent{Text: "Read it."})(ctx, req)
		})
}

var (
	object = &jsonschema.Schema{Type: "object"}

	jsonSchema = json.RawMessage(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
"$defs":{"address":{"$anchor":"addressDef","type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"}}}},
"properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},"contactMethod":{"type":"string","enum":["phone","email"]},"phone":{"type":"string"},"email":{"type":"string"}},
"allOf":[{"anyOf":[{"required":["phone"]},{"required":["email"]}]}],
"if":{"properties":{"contactMethod":{"const":"phone"}},"required":["contactMethod"]},"then":{"required":["phone"]},"else":{"required":["email"]},
"additionalProperties":false}`)
	headerSchema = json.RawMessage(`{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"level":{"type":"integer"}}}`)
)

func tool(s *mcp.Server, name string, h mcp.ToolHandler) {
	s.AddTool(&mcp.Tool{Name: name, Description: "A fixture of the suite.", InputSchema: object}, h)
}

func said(text string) mcp.ToolHandler {
	return func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil
	}
}

func read(content func(uri string) *mcp.ResourceContents) mcp.ResourceHandler {
	return func(_ context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
		return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{content(req.Params.URI)}}, nil
	}
}

func messages(contents ...mcp.Content) mcp.PromptHandler {
	return func(context.Context, *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		res := &mcp.GetPromptResult{}
		for _, c := range contents {
			res.Messages = append(res.Messages, &mcp.PromptMessage{Role: "user", Content: c})
		}
		return res, nil
	}
}

// form asks the user for one text.
func form(message, field string) *mcp.ElicitParams {
	return &mcp.ElicitParams{Mode: "form", Message: message, RequestedSchema: &jsonschema.Schema{Type: "object",
		Properties: map[string]*jsonschema.Schema{field: {Type: "string"}}, Required: []string{field}}}
}

// formSchema is the schema of a form of these properties, which may be of kinds
// that our own form has no need of.
func formSchema(properties string) json.RawMessage {
	return json.RawMessage(`{"type":"object","properties":` + properties + `,"required":[]}`)
}

// elicits asks the user by such a form.
func elicits(schema json.RawMessage) mcp.ToolHandler {
	return func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		res, err := req.Session.Elicit(ctx, &mcp.ElicitParams{Mode: "form", Message: "Please fill in.", RequestedSchema: schema})
		if err != nil {
			return nil, err
		}
		content, err := json.Marshal(res.Content)
		if err != nil {
			return nil, err
		}
		return said("Elicitation completed: action="+res.Action+", content="+string(content))(ctx, req)
	}
}

// answered returns what the user entered into the form of that name, if they accepted.
func answered(in mcp.InputResponseMap, key string) (map[string]any, bool) {
	r, ok := in[key].(*mcp.ElicitResult)
	if !ok || r.Action != "accept" || r.Content == nil {
		return nil, false
	}
	return r.Content, true
}

// asking adds what asks the user, which our servers do for an approval only:
// see approve.go of mcpadapter and its tests.
func asking(s *mcp.Server) {
	name := func(_ context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if c, ok := answered(req.Params.InputResponses, "user_name"); ok {
			if n, ok := c["name"].(string); ok && n != "" {
				return said("Hello, "+n)(nil, nil)
			}
		}
		return &mcp.CallToolResult{InputRequests: mcp.InputRequestMap{"user_name": form("What is your name?", "name")}}, nil
	}
	tool(s, "test_input_required_result_elicitation", name)
	sealed := func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		const state = "state-of-the-fixture"
		if req.Params.RequestState != "" && req.Params.RequestState != state {
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "that state isn't ours"}
		}
		if _, ok := answered(req.Params.InputResponses, "confirm"); ok && req.Params.RequestState == state {
			return said("state-ok")(ctx, req)
		}
		return &mcp.CallToolResult{RequestState: state, InputRequests: mcp.InputRequestMap{
			"confirm": &mcp.ElicitParams{Mode: "form", Message: "Sure?", RequestedSchema: &jsonschema.Schema{Type: "object",
				Properties: map[string]*jsonschema.Schema{"ok": {Type: "boolean"}}, Required: []string{"ok"}}}}}, nil
	}
	tool(s, "test_input_required_result_request_state", sealed)
	tool(s, "test_input_required_result_tampered_state", sealed)
	tool(s, "test_input_required_result_multi_round", func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		switch req.Params.RequestState {
		case "":
			return &mcp.CallToolResult{RequestState: "round-1", InputRequests: mcp.InputRequestMap{"step1": form("What is your name?", "name")}}, nil
		case "round-1":
			if _, ok := answered(req.Params.InputResponses, "step1"); !ok {
				return nil, errors.New("no answer to the first question")
			}
			return &mcp.CallToolResult{RequestState: "round-2", InputRequests: mcp.InputRequestMap{"step2": form("Which colour?", "color")}}, nil
		}
		return said("both rounds are done")(ctx, req)
	})
	s.AddPrompt(&mcp.Prompt{Name: "test_input_required_result_prompt", Description: "Asks before it answers."},
		func(ctx context.Context, req *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
			if c, ok := answered(req.Params.InputResponses, "user_context"); ok {
				t, _ := c["context"].(string)
				return messages(&mcp.TextContent{Text: "Context: " + t})(ctx, req)
			}
			return &mcp.GetPromptResult{InputRequests: mcp.InputRequestMap{"user_context": form("What about?", "context")}}, nil
		})
	tool(s, "test_missing_capability", func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return nil, &jsonrpc.Error{Code: mcp.CodeMissingRequiredClientCapabilities, Message: "no tool of ours samples, and neither does this one",
			Data: json.RawMessage(`{"requiredCapabilities":{"sampling":{}}}`)}
	})
	tool(s, "test_logging_tool", said("our servers log to standard error, never to a client"))
	tool(s, "test_elicitation_sep1034_defaults", elicits(formSchema(`{"name":{"type":"string","default":"John Doe"},"age":{"type":"integer","default":30},
"score":{"type":"number","default":95.5},"status":{"type":"string","enum":["active","inactive","pending"],"default":"active"},"verified":{"type":"boolean","default":true}}`)))
	tool(s, "test_elicitation_sep1330_enums", elicits(formSchema(`{"untitledSingle":{"type":"string","enum":["option1","option2","option3"]},
"titledSingle":{"type":"string","oneOf":[{"const":"value1","title":"First Option"},{"const":"value2","title":"Second Option"},{"const":"value3","title":"Third Option"}]},
"legacyEnum":{"type":"string","enum":["opt1","opt2","opt3"],"enumNames":["Option One","Option Two","Option Three"]},
"untitledMulti":{"type":"array","items":{"type":"string","enum":["option1","option2","option3"]}},
"titledMulti":{"type":"array","items":{"anyOf":[{"const":"value1","title":"First Choice"},{"const":"value2","title":"Second Choice"},{"const":"value3","title":"Third Choice"}]}}}`)))
	tool(s, "test_elicitation", func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		res, err := req.Session.Elicit(ctx, form("What is your name?", "username"))
		if err != nil {
			return nil, err
		}
		return said("User response: "+res.Action)(ctx, req)
	})
}
