package rpc

import (
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "fgdsync.dev/proto/fgd/admin/v1"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	_ "fgdsync.dev/proto/fgd/directory/v1"
	_ "fgdsync.dev/proto/fgd/fabric/v1"
	_ "fgdsync.dev/proto/fgd/git/v1"
	_ "fgdsync.dev/proto/fgd/ingestion/v1"
	_ "fgdsync.dev/proto/fgd/sync/v1"
)

// TestEveryPatternHasWords: a regular expression tells a caller nothing.
func TestEveryPatternHasWords(t *testing.T) {
	t.Parallel()
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(file.Package()), "fgd.") {
			return true
		}
		for i := range file.Messages().Len() {
			fields := file.Messages().Get(i).Fields()
			for j := range fields.Len() {
				for _, pattern := range patternsOf(fields.Get(j)) {
					if strings.Contains(formWords(pattern), pattern) {
						t.Errorf("%s: there are no words for %s", fields.Get(j).FullName(), pattern)
					}
				}
			}
		}
		return true
	})
}

// patternsOf returns the patterns that the contracts demand of a field and of its entries.
func patternsOf(field protoreflect.FieldDescriptor) []string {
	rules, _ := proto.GetExtension(fieldOptions(field), validate.E_Field).(*validate.FieldRules)
	var patterns []string
	for _, text := range []*validate.StringRules{rules.GetString(), rules.GetRepeated().GetItems().GetString()} {
		if text.HasPattern() {
			patterns = append(patterns, text.GetPattern())
		}
	}
	return patterns
}

// BenchmarkTheRules measures what they take of a request: of the largest ones, and of one like most.
func BenchmarkTheRules(b *testing.B) {
	options := &bridgev1.FabricOptions{References: proto.String("warn"), PublishMode: proto.String("direct")}
	for name, request := range map[string]proto.Message{
		"CreateFabric": &bridgev1.CreateFabricRequest{
			Name: "fabric-1", RepositoryUrl: "https://git.example.com/r.git", Options: options,
			Credentials: &bridgev1.Credentials{Token: "s3cret"},
		},
		"GetFabric": &bridgev1.GetFabricRequest{FabricId: 1},
	} {
		b.Run(name, func(b *testing.B) {
			if err := checkRules(request); err != nil { // compiles them
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := checkRules(request); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
