// Agent prints the profile that it was built with.
package main

import "os"

// Profile is set by the linker, by platform; see build.config.ts.
var Profile = "unknown"

func main() { os.Stdout.WriteString("agent with profile " + Profile + "\n") }
