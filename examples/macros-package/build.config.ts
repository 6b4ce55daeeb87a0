// The package's own example and test. It imports the package by name, as its users do.
import { acmeService } from '@acme/images';

acmeService({ name: 'clock', package: './cmd/clock', team: 'time' });
