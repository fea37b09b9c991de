package api

//go:generate go tool -modfile=tools.mod oapi-codegen -config oapi-codegen.yaml -o ../wazuh/internal/wire/wire.gen.go wazuh/openapi.yaml
//go:generate go run ./prune ../wazuh/internal/wire/wire.gen.go ../wazuh
//go:generate go tool -modfile=tools.mod oapi-codegen -config oapi-codegen.yaml -package indexer -o ../wazuh/internal/indexer/indexer.gen.go indexer/openapi.yaml
//go:generate go run ./prune ../wazuh/internal/indexer/indexer.gen.go ../wazuh
//go:generate go tool -modfile=tools.mod oapi-codegen -config oapi-codegen.yaml -o ../thehive/internal/wire/wire.gen.go thehive/openapi.yaml
//go:generate go run ./prune ../thehive/internal/wire/wire.gen.go ../thehive
//go:generate go tool -modfile=tools.mod oapi-codegen -config oapi-codegen.yaml -o ../cortex/internal/wire/wire.gen.go cortex/openapi.yaml
//go:generate go run ./prune ../cortex/internal/wire/wire.gen.go ../cortex
//go:generate go tool -modfile=tools.mod oapi-codegen -config oapi-codegen.yaml -o ../misp/internal/wire/wire.gen.go misp/openapi.yaml
//go:generate go run ./prune ../misp/internal/wire/wire.gen.go ../misp
