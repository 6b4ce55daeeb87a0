// Hello prints an ID, a reversed text and the operating system that it was built for.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/google/uuid"
)

func main() {
	text := "Hello, OCI"
	if len(os.Args) > 1 {
		text = strings.Join(os.Args[1:], " ")
	}
	fmt.Println(uuid.NewString())
	fmt.Println(reverse(text))
	fmt.Println(runtime.GOOS + "/" + runtime.GOARCH)
}

func reverse(text string) string {
	runes := []rune(text)
	for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
		runes[i], runes[j] = runes[j], runes[i]
	}
	return string(runes)
}
