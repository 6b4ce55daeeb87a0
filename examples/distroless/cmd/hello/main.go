// Command hello says as whom and on what it runs.
package main

import (
	"fmt"
	"os"
	"runtime"
)

func main() {
	fmt.Printf("user %d on %s/%s\n", os.Getuid(), runtime.GOOS, runtime.GOARCH)
}
