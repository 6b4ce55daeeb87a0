// Whoami prints where and as whom it runs.
package main

import (
	"os"
	"strconv"
)

func main() {
	folder, _ := os.Getwd()
	os.Stdout.WriteString("uid " + strconv.Itoa(os.Getuid()) + " in " + folder + ", PATH=" + os.Getenv("PATH") + "\n")
}
