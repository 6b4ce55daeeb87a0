package main

import (
	"fmt"

	"example.com/acme/libs/greeting"
)

func main() { fmt.Println(greeting.For("api")) }
