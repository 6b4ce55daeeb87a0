module example.com/acme/apps/api

go 1.24
