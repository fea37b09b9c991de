package api

//go:generate go tool -modfile=tools.mod oapi-codegen -config oapi-codegen.yaml -o ../wazuh/internal/wire/wire.gen.go wazuh/openapi.yaml
//go:generate go tool -modfile=tools.mod oapi-codegen -config oapi-codegen.yaml -package indexer -o ../wazuh/internal/indexer/indexer.gen.go indexer/openapi.yaml
//go:generate go tool -modfile=tools.mod oapi-codegen -config oapi-codegen.yaml -o ../thehive/internal/wire/wire.gen.go thehive/openapi.yaml
//go:generate go tool -modfile=tools.mod oapi-codegen -config oapi-codegen.yaml -o ../cortex/internal/wire/wire.gen.go cortex/openapi.yaml
//go:generate go tool -modfile=tools.mod oapi-codegen -config oapi-codegen.yaml -o ../misp/internal/wire/wire.gen.go misp/openapi.yaml
