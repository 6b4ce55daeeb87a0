// Package greeting is used by all services.
package greeting

// For returns the greeting of a service.
func For(service string) string { return "Hello from " + service }
