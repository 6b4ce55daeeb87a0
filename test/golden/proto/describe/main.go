// Program describe writes the descriptors of the Remote Execution API, and checks golden digests with Go's encoder.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	remote "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "describe":
		err = describe()
	case len(os.Args) == 2 && os.Args[1] == "check":
		err = check()
	default:
		err = fmt.Errorf("expected one argument: describe or check")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func describe() error {
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(file protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := 0; i < file.Imports().Len(); i++ {
			add(file.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	add(remote.File_build_bazel_remote_execution_v2_remote_execution_proto)
	bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(bytes)
	return err
}

func check() error {
	var golden []struct {
		Name, Message, Sha256 string
		SizeBytes             int
		Json                  json.RawMessage
	}
	if err := json.NewDecoder(os.Stdin).Decode(&golden); err != nil {
		return err
	}
	for _, entry := range golden {
		name := protoreflect.FullName("build.bazel.remote.execution.v2." + entry.Message)
		kind, err := protoregistry.GlobalTypes.FindMessageByName(name)
		if err != nil {
			return err
		}
		message := kind.New().Interface()
		if err := protojson.Unmarshal(entry.Json, message); err != nil {
			return fmt.Errorf("%s: %w", entry.Name, err)
		}
		bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(bytes)
		if hex.EncodeToString(sum[:]) != entry.Sha256 || len(bytes) != entry.SizeBytes {
			return fmt.Errorf("%s: got %d bytes %x, expected %d bytes %s", entry.Name, len(bytes), sum, entry.SizeBytes, entry.Sha256)
		}
		fmt.Println("ok", entry.Name)
	}
	return nil
}
