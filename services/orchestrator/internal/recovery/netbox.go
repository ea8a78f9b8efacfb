package recovery

import "context"

// netbox brings what Redis and the ledger know of the NetBox of the installation in step.
func (r *Recovery) netbox(ctx context.Context, c *comparison) error {
	kept, err := r.deps.Ledger.NetBox()
	if err != nil {
		return err
	}
	stored, err := r.deps.Store.NetBox(ctx)
	if err != nil {
		return err
	}
	switch here, there := kept.GetGeneration(), stored.GetGeneration(); {
	case here < there:
		return r.deps.Ledger.PutNetBox(stored)
	case here > there:
		c.netboxRecovered, err = r.deps.Store.RecoverNetBox(ctx, kept)
	}
	return err
}
