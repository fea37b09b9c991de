package api

//go:generate go tool -modfile=tools.mod oapi-codegen -config oapi-codegen.yaml -o ../thehive/internal/wire/wire.gen.go thehive/openapi.yaml
//go:generate go tool -modfile=tools.mod oapi-codegen -config oapi-codegen.yaml -o ../misp/internal/wire/wire.gen.go misp/openapi.yaml
