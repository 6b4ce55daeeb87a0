// Greet says which Go compiled it.
package main

import "runtime"

func main() { println("compiled by", runtime.Version()) }
