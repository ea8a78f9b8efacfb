// Package meaning finds out which of the files that differ mean what they meant.
package meaning

import (
	"context"
	"fmt"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
)

// mostFiles is of how many files it is found out at most: a diff that people read has fewer.
const mostFiles = 2000

// Same returns the paths of the files of a snapshot that mean what they meant; none where too many differ.
func Same(
	ctx context.Context, ingestion ingestionv1.IngestionServiceClient, snapshotID string, changes []*gitv1.FileChange,
) ([]string, error) {
	if len(changes) == 0 || len(changes) > mostFiles {
		return nil, nil
	}
	compared, err := ingestion.CompareMeaning(ctx, &ingestionv1.CompareMeaningRequest{
		SnapshotId: snapshotID, Changes: changes,
	})
	if err != nil {
		return nil, fmt.Errorf("compare what files mean: %w", err)
	}
	return compared.GetPaths(), nil
}
