package soc

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/sallyport-soc/sallyport/thehive"
)

// entities fetches from TheHive what a responder of Cortex shall act on. Cortex
// can't do so itself.
func entities(hive *thehive.Client) func(context.Context, string, string) (json.RawMessage, error) {
	return func(ctx context.Context, objectType, id string) (json.RawMessage, error) {
		var entity any
		var err error
		switch objectType {
		case "case":
			entity, err = hive.GetCase(ctx, thehive.GetCaseInput{CaseID: id})
		case "case_task":
			entity, err = hive.GetTask(ctx, thehive.GetTaskInput{TaskID: id})
		case "case_artifact":
			entity, err = hive.GetObservable(ctx, thehive.GetObservableInput{ObservableID: id})
		case "alert":
			entity, err = hive.GetAlert(ctx, thehive.GetAlertInput{AlertID: id})
		default:
			return nil, fmt.Errorf("soc: TheHive has no %q for a responder", objectType)
		}
		if err != nil {
			return nil, err
		}
		return json.Marshal(entity)
	}
}
