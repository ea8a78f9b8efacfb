package demo

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"fgdsync.dev/libs/errs"
)

// What is changed, and who changes it.
const (
	editor       = "operator"
	edited       = "web"     // the VPC that is changed in NetBox
	contested    = "storage" // the one that is changed on both sides
	contestedVPC = Directory + "/managed/vpcs/" + contested + ".yaml"

	patience   = time.Minute
	pollPeriod = 50 * time.Millisecond
)

// until asks again and again until something holds.
func until(ctx context.Context, what string, holds func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(pollPeriod)
	defer ticker.Stop()
	for {
		ok, err := holds()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errs.New(errs.SyncFailed, "The demonstration waited in vain for %s.", what).WithCause(ctx.Err())
		case <-ticker.C:
		}
	}
}

// deliver waits until the records of NetBox are what the files say.
func (d *Demonstration) deliver(ctx context.Context) error {
	path := d.path("/receipts")
	d.printf("\nGET %s%s: what of it NetBox shows\n", d.Base, path)
	var said struct {
		Delivery struct{ Proven, Pending, Undeliverable, Held, Merging int }
	}
	err := until(ctx, "NetBox to show what the files say", func() (bool, error) {
		err := d.call(ctx, http.MethodGet, path+"?limit=1", nil, &said)
		now := said.Delivery
		return now.Proven > 0 && now.Pending+now.Undeliverable+now.Held+now.Merging == 0, err
	})
	if err != nil {
		return err
	}
	d.printf("  %d records, each seen to be as its file says\n", said.Delivery.Proven)
	return nil
}

// commit is one of the repository.
type commit struct {
	SHA     string `json:"commit_sha"`
	Author  string `json:"author_name"`
	Subject string
}

// newest returns the newest commit.
func (d *Demonstration) newest(ctx context.Context) (commit, error) {
	var list struct{ Commits []commit }
	if err := d.call(ctx, http.MethodGet, d.path("/commits?limit=1"), nil, &list); err != nil {
		return commit{}, err
	}
	if len(list.Commits) == 0 {
		return commit{}, nil
	}
	return list.Commits[0], nil
}

// editInNetBox has somebody change a record, and waits for the commit of it.
func (d *Demonstration) editInNetBox(ctx context.Context) error {
	before, err := d.newest(ctx)
	if err != nil {
		return err
	}
	d.printf("\nIn NetBox, %s gives the VPC %s the VLAN 1102\n", editor, edited)
	if err := d.NetBox.SetVLAN(ctx, editor, edited, 1102); err != nil {
		return err
	}
	var made commit
	err = until(ctx, "the commit of what NetBox changed", func() (bool, error) {
		made, err = d.newest(ctx)
		return made.SHA != before.SHA, err
	})
	if err != nil {
		return err
	}
	d.printf("  commit %.12s by %s: %s\n", made.SHA, made.Author, made.Subject)
	return nil
}

// editOnBothSides has two people change the same field, and waits until that is known. Nobody guesses who is right.
func (d *Demonstration) editOnBothSides(ctx context.Context) error {
	d.printf("\nIn Git, the VPC %s gets the VLAN 1201, in NetBox 1202\n", contested)
	err := Edit(d.Repository, contestedVPC, "Move storage to a VLAN of its own", time.Now(), func(content []byte) []byte {
		return bytes.Replace(content, []byte("vlan: 1001"), []byte("vlan: 1201"), 1)
	})
	if err != nil {
		return err
	}
	if err := d.NetBox.SetVLAN(ctx, editor, contested, 1202); err != nil {
		return err
	}
	var list struct {
		Conflicts []struct {
			Paths []struct {
				Path              string
				Base, Git, Netbox any
			}
		}
	}
	err = until(ctx, "the conflict", func() (bool, error) {
		err := d.call(ctx, http.MethodGet, d.path("/conflicts?state=open"), nil, &list)
		return len(list.Conflicts) > 0, err
	})
	if err != nil {
		return err
	}
	for _, at := range list.Conflicts[0].Paths {
		d.printf("  conflict at %s: it was %v, Git says %v, NetBox %v\n", at.Path, at.Base, at.Git, at.Netbox)
	}
	return nil
}

// Pages are where there is something to see, by what is to be seen.
func (d *Demonstration) Pages() [][2]string {
	page := func(rest string) string { return fmt.Sprintf("%s/fabrics/%d%s", d.Base, d.fabric, rest) }
	return [][2]string{
		{"the fabric", page("")},
		{"its topology", page("/topology")},
		{"what is in quarantine", page("/quarantine")},
		{"the conflict", page("/conflicts")},
		{"the API", d.Base + "/docs"},
	}
}
