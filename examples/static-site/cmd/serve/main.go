// Serve serves the files below $SITE_ROOT over HTTP at $SITE_ADDRESS. With the argument "check" it lists them instead.
package main

import (
	"fmt"
	"io/fs"
	"log"
	"net/http"
	"os"
)

func main() {
	root := os.DirFS(os.Getenv("SITE_ROOT"))
	if len(os.Args) > 1 && os.Args[1] == "check" {
		err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				fmt.Println(path)
			}
			return err
		})
		if err != nil {
			log.Fatal(err)
		}
		return
	}
	log.Fatal(http.ListenAndServe(os.Getenv("SITE_ADDRESS"), http.FileServerFS(root)))
}
