module example.com/acme/apps/worker

go 1.24
