// Greet prints the greeting of its configuration file, and for which platform it was compiled.
package main

import (
	"fmt"
	"os"
	"runtime"
)

// Version is set by the linker; see xDefs in build.config.ts.
var Version = "unknown"

func main() {
	greeting, err := os.ReadFile("/etc/greet/greeting.txt")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%s(greet %s, %s/%s)\n", greeting, Version, runtime.GOOS, runtime.GOARCH)
}
