// ocidsl/testing: for tests of macros, rules and registry clients.

export { startFakeRegistry, type FakeFault, type FakeRegistry, type FakeRegistryOptions, type RecordedRequest } from './fake-registry.ts';
