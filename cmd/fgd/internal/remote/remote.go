// Package remote reaches a running system over its public services, as any caller does: fgd up, or one of the bridges
// of a system of many processes.
package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/secret"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// callTimeout bounds what one command asks of a running system.
const callTimeout = time.Minute

// pageSize is the most that a page of a list may hold.
const pageSize = 1000

// System is a running system.
type System struct {
	Server string // address of gRPC of fgd up, or of a bridge; with https:// before it where that speaks TLS
	CAFile string // has authorities that are trusted for it; without one those of this machine are
	User   string // who asks
	// Token returns what is shown there; nil where nothing is, nothing where nobody is asked.
	Token func(context.Context) (secret.String, error)
}

// RebuildState brings back what Redis has lost, and syncs every fabric.
func (s System) RebuildState(ctx context.Context) (answer *bridgev1.RebuildStateResponse, err error) {
	err = s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err = bridgev1.NewMaintenanceServiceClient(conn).RebuildState(ctx, &bridgev1.RebuildStateRequest{})
		return err
	})
	return answer, err
}

// DeadLetters lists all work that could not be handled, oldest first.
func (s System) DeadLetters(ctx context.Context) (*bridgev1.ListDeadLettersResponse, error) {
	all := &bridgev1.ListDeadLettersResponse{}
	err := s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		client := bridgev1.NewMaintenanceServiceClient(conn)
		request := &bridgev1.ListDeadLettersRequest{Limit: pageSize}
		for {
			page, err := client.ListDeadLetters(ctx, request)
			if err != nil {
				return err
			}
			all.DeadLetters = append(all.DeadLetters, page.GetDeadLetters()...)
			if request.PageToken = page.GetNextPageToken(); request.GetPageToken() == "" {
				return nil
			}
		}
	})
	return all, err
}

// ReplayDeadLetters has work handled again.
func (s System) ReplayDeadLetters(ctx context.Context, ids []string,
) (answer *bridgev1.ReplayDeadLettersResponse, err error) {
	err = s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err = bridgev1.NewMaintenanceServiceClient(conn).
			ReplayDeadLetters(ctx, &bridgev1.ReplayDeadLettersRequest{Ids: ids})
		return err
	})
	return answer, err
}

func (s System) token(ctx context.Context) (secret.String, error) {
	if s.Token == nil {
		return secret.String{}, nil
	}
	return s.Token(ctx)
}

// call connects for as long as work takes, which is a minute at most.
func (s System) call(ctx context.Context, work func(context.Context, *grpc.ClientConn) error) error {
	return s.connected(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		return work(ctx, conn)
	})
}

// connected connects for as long as work takes. An error names the correlation id, by which the log of the system has
// more.
func (s System) connected(ctx context.Context, work func(context.Context, *grpc.ClientConn) error) (err error) {
	token, err := s.token(ctx)
	if err != nil {
		return err
	}
	address, options, err := s.target()
	if err != nil {
		return exit.Misuse(err)
	}
	conn, err := rpc.DialPublic(address, token, noop.NewTracerProvider(), options...)
	if err != nil {
		return exit.Misuse(errs.New(errs.InvalidRequest, "The address %q can't be dialled.", s.Server).WithCause(err))
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	call := rpc.Call{Principal: rpc.PrintableName(s.User), CorrelationID: rpc.CleanCorrelationID("")}
	return s.explained(work(rpc.WithCall(ctx, call), conn), call.CorrelationID)
}

// explained returns what a person is told of an error that a system has answered with, or that has kept it from
// answering.
func (s System) explained(err error, correlationID string) error {
	switch {
	case err == nil, exit.IsSaid(err), exit.IsMisuse(err):
		return err
	case status.Code(err) == codes.Unimplemented:
		return exit.Misuse(errs.New(errs.InvalidRequest, "What answers at %s is no bridge.", s.Server).
			WithRemedy("Give --server the address of fgd up, or of a bridge."))
	}
	answered := errs.From(err)
	if answered.Code == errs.ServiceUnavailable && answered.Cause != nil { // of the connection, and not of the bridge
		answered.Message = fmt.Sprintf("Nothing can be reached at %s.", s.Server)
		answered = answered.WithRemedy("Start fgd up or a bridge, or give --server the address of one, with https:// before " +
			"it where that speaks TLS.")
		if s.isTLS() {
			answered = answered.WithRemedy("Give --server the address of a bridge that speaks TLS, by a name that its " +
				"certificate has, and --ca-file where its authority is none of this machine's.")
		}
	}
	return answered.WithMeta(render.CorrelationID, correlationID)
}

// tlsScheme stands before the address of a system that speaks TLS.
const tlsScheme = "https://"

func (s System) isTLS() bool { return strings.HasPrefix(s.Server, tlsScheme) }

// target returns what is dialled, and how.
func (s System) target() (address string, options []grpc.DialOption, err error) {
	if !s.isTLS() {
		if s.CAFile != "" {
			return "", nil, errs.New(errs.InvalidRequest, "--ca-file is for an address that speaks TLS.").
				WithRemedy("Give --server https://%s, or leave --ca-file out.", s.Server)
		}
		return s.Server, nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CAFile != "" {
		content, err := os.ReadFile(s.CAFile)
		config.RootCAs = x509.NewCertPool()
		if err != nil || !config.RootCAs.AppendCertsFromPEM(content) {
			return "", nil, errs.New(errs.InvalidRequest, "--ca-file: %s has no certificate that can be read.", s.CAFile).
				WithCause(err).WithRemedy("Name a PEM file with the certificate of an authority.")
		}
	}
	return strings.TrimSuffix(strings.TrimPrefix(s.Server, tlsScheme), "/"),
		[]grpc.DialOption{grpc.WithTransportCredentials(credentials.NewTLS(config))}, nil
}
